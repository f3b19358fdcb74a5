//! The chart of the table, as SVG.

use std::error::Error;

use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::table::{Cell, Row, Table};

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

const WIDTH: u32 = 900;
/// The height of a bar, of the space below it, and of the space between two bodies.
const BAR: i32 = 13;
const BAR_GAP: i32 = 1;
const GROUP_GAP: i32 = 14;
/// The space around the plot. Body names stand at its left, values of the longest bars at
/// its right.
const LEFT: i32 = 190;
const RIGHT: i32 = 136;
const TOP: i32 = 80;
const BOTTOM: i32 = 62;

/// Okabe and Ito's palette, which differs for all kinds of colour vision, and in grey.
const COLORS: [RGBColor; 5] = [
    RGBColor(0, 114, 178),
    RGBColor(230, 159, 0),
    RGBColor(86, 180, 233),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
];
const TEXT: RGBColor = RGBColor(31, 35, 40);
const FAINT: RGBColor = RGBColor(89, 99, 110);
const GRID: RGBColor = RGBColor(222, 226, 230);
const FONT: &str = "sans-serif";

/// Draws the times of each body as bars, relative to the first crate.
pub(crate) fn draw(table: &Table) -> Result<String> {
    let count = i32::try_from(table.crates.len())?;
    let group = count * (BAR + BAR_GAP) + GROUP_GAP;
    let plot_height = group * i32::try_from(table.rows.len())?;
    let height = u32::try_from(TOP + plot_height + BOTTOM)?;
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, (WIDTH, height)).into_drawing_area();
        area.fill(&WHITE)?;
        head(&area, table)?;
        let scale = Scale::new(table)?;
        axis(&area, &scale, plot_height, &table.crates[0])?;
        for (index, row) in (0..).zip(&table.rows) {
            bars(&area, &scale, row, TOP + index * group + GROUP_GAP / 2)?;
        }
        area.present()?;
    }
    Ok(svg)
}

/// Maps ratios to pixels.
struct Scale {
    pixels: f64,
    step: f64,
    last: f64,
}

impl Scale {
    fn new(table: &Table) -> Result<Self> {
        let cells = table.rows.iter().flat_map(|row| row.cells.iter().flatten());
        let longest = cells.map(|cell| cell.time.ratio).fold(1.0, f64::max);
        // At most eight ticks.
        let steps = [0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0];
        let step = steps.into_iter().find(|step| longest / step <= 8.0);
        let step = step.ok_or("a ratio is beyond the axis")?;
        let last = (longest / step).ceil() * step;
        let width = f64::from(i32::try_from(WIDTH)? - LEFT - RIGHT);
        Ok(Self {
            pixels: width / last,
            step,
            last,
        })
    }

    #[allow(clippy::cast_possible_truncation, reason = "the chart's width fits")]
    fn x(&self, ratio: f64) -> i32 {
        LEFT + (ratio * self.pixels).round() as i32
    }
}

fn text(size: f64, color: RGBColor, h_pos: HPos, v_pos: VPos) -> TextStyle<'static> {
    let style = (FONT, size).into_font().color(&color);
    style.pos(Pos::new(h_pos, v_pos))
}

fn bold(size: f64, color: RGBColor, h_pos: HPos, v_pos: VPos) -> TextStyle<'static> {
    let font = (FONT, size).into_font().style(FontStyle::Bold);
    font.color(&color).pos(Pos::new(h_pos, v_pos))
}

/// Returns the style of a crate's texts: this crate's stand out.
fn of_crate(index: usize, size: f64, h_pos: HPos) -> TextStyle<'static> {
    match index {
        0 => bold(size, TEXT, h_pos, VPos::Center),
        _ => text(size, FAINT, h_pos, VPos::Center),
    }
}

/// Draws the title and the legend.
fn head(area: &Area<'_>, table: &Table) -> Result {
    let title = bold(20.0, TEXT, HPos::Left, VPos::Center);
    area.draw_text(
        "Time to parse a webhook body (shorter is faster)",
        &title,
        (20, 26),
    )?;
    let mut x = 20;
    for (index, (name, color)) in table.crates.iter().zip(COLORS).enumerate() {
        let square = [(x, 52), (x + 12, 64)];
        area.draw(&Rectangle::new(square, color.filled()))?;
        let style = of_crate(index, 15.0, HPos::Left);
        area.draw_text(name, &style, (x + 18, 58))?;
        // Fonts differ, so each name has room for a wide one.
        x += 46 + i32::try_from(name.len())? * 8;
    }
    Ok(())
}

fn axis(area: &Area<'_>, scale: &Scale, height: i32, first: &str) -> Result {
    let number = text(14.0, FAINT, HPos::Center, VPos::Top);
    let mut tick = 0.0;
    while tick <= scale.last {
        let x = scale.x(tick);
        let line = [(x, TOP), (x, TOP + height)];
        let color = if tick == 1.0 { FAINT } else { GRID };
        area.draw(&PathElement::new(line, color.stroke_width(1)))?;
        let decimals = usize::from(scale.step < 1.0) + usize::from(scale.step < 0.5);
        let label = format!("{tick:.decimals$}");
        area.draw_text(&label, &number, (x, TOP + height + 6))?;
        tick += scale.step;
    }
    let title = text(15.0, TEXT, HPos::Left, VPos::Top);
    let words = format!("time as a multiple of the time of {first} for the same body");
    area.draw_text(&words, &title, (LEFT, TOP + height + 30))?;
    Ok(())
}

/// Draws the bars of one body, with its name at their left.
fn bars(area: &Area<'_>, scale: &Scale, row: &Row, top: i32) -> Result {
    let count = i32::try_from(row.cells.len())?;
    let middle = top + count * (BAR + BAR_GAP) / 2;
    let name = text(15.0, TEXT, HPos::Right, VPos::Center);
    area.draw_text(&row.body, &name, (LEFT - 12, middle))?;
    for (index, (cell, color)) in row.cells.iter().zip(COLORS).enumerate() {
        let top = top + i32::try_from(index)? * (BAR + BAR_GAP);
        let end = cell.map_or(LEFT, |cell| scale.x(cell.time.ratio));
        let bar = [(LEFT, top), (end, top + BAR)];
        area.draw(&Rectangle::new(bar, color.filled()))?;
        let label = cell.map_or_else(|| "rejected with an error".to_owned(), |cell| label(&cell));
        // Grid lines do not cross the label.
        let width = 10 + i32::try_from(label.chars().count())? * 6;
        let ground = [(end + 1, top), (end + width, top + BAR + BAR_GAP)];
        area.draw(&Rectangle::new(ground, WHITE.filled()))?;
        let style = of_crate(index, 13.6, HPos::Left);
        area.draw_text(&label, &style, (end + 6, top + BAR / 2))?;
    }
    Ok(())
}

/// Writes the ratio and the time.
fn label(cell: &Cell) -> String {
    let ns = cell.time.nanoseconds;
    let time = match ns {
        ns if ns < 999.5 => format!("{ns:.0} ns"),
        ns if ns < 99_950.0 => format!("{:.1} µs", ns / 1e3),
        ns if ns < 999_500.0 => format!("{:.0} µs", ns / 1e3),
        ns => format!("{:.2} ms", ns / 1e6),
    };
    let partial = cell.partial.map_or_else(String::new, |(good, all)| {
        format!(", {good} of {all} items")
    });
    format!("{:.2} ({time}{partial})", cell.time.ratio)
}
