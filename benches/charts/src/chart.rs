//! Grouped bars, and lines, as SVG.

use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::Result;
use crate::results::thousands;

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// A page shows a chart at up to 900 pixels, and a phone at 400: texts are large for this width.
const WIDTH: i32 = 680;
/// The space between a text and the edge.
const MARGIN: i32 = 16;
/// The height of a row of the legend.
const LEGEND: i32 = 24;
/// The height of the heading of a panel, and that of its axis.
const HEADING: i32 = 34;
const AXIS: i32 = 62;

/// The height of a bar, of the space below it, and of the space between two groups.
const BAR: i32 = 15;
const BAR_GAP: i32 = 1;
const GROUP_GAP: i32 = 14;
/// The space for the names of groups, and for the labels of the longest bars.
const LEFT: i32 = 194;
const RIGHT: i32 = 128;

/// The height of the plot of lines.
const PLOT: i32 = 190;

/// Okabe and Ito's palette, which differs for all kinds of color vision, and in gray.
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

/// Sizes as plotters counts them: an em has 0.8 of it.
const TITLE: f64 = 24.0;
const LARGE: f64 = 19.0;
const SMALL: f64 = 17.0;

/// Groups of horizontal bars, in panels with an axis each.
pub(crate) struct Bars {
    pub(crate) title: &'static str,
    /// The names of the bars of a group.
    pub(crate) series: Vec<String>,
    pub(crate) panels: Vec<Panel>,
}

pub(crate) struct Panel {
    pub(crate) heading: Option<&'static str>,
    /// The title of the axis.
    pub(crate) axis: String,
    pub(crate) groups: Vec<Group>,
}

pub(crate) struct Group {
    pub(crate) name: String,
    pub(crate) bars: Vec<Bar>,
}

pub(crate) struct Bar {
    pub(crate) length: f64,
    pub(crate) label: String,
}

/// Lines over the same ticks, in panels with an axis each.
pub(crate) struct Lines {
    pub(crate) title: &'static str,
    pub(crate) series: Vec<String>,
    /// The labels of the horizontal axis, at equal distances.
    pub(crate) ticks: Vec<String>,
    pub(crate) x_axis: &'static str,
    pub(crate) y_axis: &'static str,
    pub(crate) panels: Vec<LinePanel>,
}

pub(crate) struct LinePanel {
    pub(crate) heading: &'static str,
    /// A value for each tick, of each of the series.
    pub(crate) lines: Vec<Vec<f64>>,
}

impl Bars {
    pub(crate) fn draw(&self) -> Result<String> {
        let group = int(self.series.len())? * (BAR + BAR_GAP) + GROUP_GAP;
        let plot = |panel: &Panel| Ok(group * int(panel.groups.len())?);
        let plots: Vec<_> = self.panels.iter().map(plot).collect::<Result<_>>()?;
        let heading = |panel: &Panel| panel.heading.map_or(8, |_| HEADING);
        let legend = Legend::new(&self.series);
        let headings: i32 = self.panels.iter().map(heading).sum();
        let axes = AXIS * int(plots.len())?;
        let height = legend.bottom + headings + plots.iter().sum::<i32>() + axes;
        svg(height, |area| {
            legend.draw(area, self.title)?;
            let mut top = legend.bottom;
            for (panel, plot) in self.panels.iter().zip(plots) {
                if let Some(text) = panel.heading {
                    let style = style(LARGE, TEXT, HPos::Left, VPos::Center);
                    area.draw_text(text, &style, (MARGIN, top + HEADING / 2))?;
                }
                top += heading(panel);
                panel.draw(area, top, plot, group)?;
                top += plot + AXIS;
            }
            Ok(())
        })
    }
}

impl Panel {
    fn draw(&self, area: &Area<'_>, top: i32, height: i32, group_height: i32) -> Result {
        let lengths = self.groups.iter().flat_map(|group| &group.bars);
        let longest = lengths.map(|bar| bar.length).fold(0.0, f64::max);
        let scale = Scale::new(longest, LEFT, WIDTH - LEFT - RIGHT);
        let number = style(SMALL, FAINT, HPos::Center, VPos::Top);
        for (tick, label) in scale.ticks() {
            let x = scale.position(tick);
            let line = [(x, top), (x, top + height)];
            area.draw(&PathElement::new(line, GRID.stroke_width(1)))?;
            area.draw_text(&label, &number, (x, top + height + 6))?;
        }
        let title = style(SMALL, TEXT, HPos::Left, VPos::Top);
        area.draw_text(&self.axis, &title, (LEFT, top + height + 28))?;
        for (group, at) in self.groups.iter().zip(0..) {
            let top = top + at * group_height + GROUP_GAP / 2;
            let name = style(SMALL, TEXT, HPos::Right, VPos::Center);
            let middle = top + (group_height - GROUP_GAP) / 2;
            area.draw_text(&group.name, &name, (LEFT - 12, middle))?;
            for ((bar, color), at) in group.bars.iter().zip(COLORS).zip(0..) {
                let top = top + at * (BAR + BAR_GAP);
                let end = scale.position(bar.length);
                let shape = [(LEFT, top), (end, top + BAR)];
                area.draw(&Rectangle::new(shape, color.filled()))?;
                // Grid lines do not cross the label.
                let width = 10 + int(bar.label.chars().count())? * 7;
                let ground = [(end + 1, top), (end + width, top + BAR + BAR_GAP)];
                area.draw(&Rectangle::new(ground, WHITE.filled()))?;
                let label = style(SMALL, TEXT, HPos::Left, VPos::Center);
                area.draw_text(&bar.label, &label, (end + 6, top + BAR / 2 + 1))?;
            }
        }
        Ok(())
    }
}

impl Lines {
    pub(crate) fn draw(&self) -> Result<String> {
        let legend = Legend::new(&self.series);
        let panel_height = HEADING + PLOT + AXIS;
        let height = legend.bottom + panel_height * int(self.panels.len())?;
        svg(height, |area| {
            legend.draw(area, self.title)?;
            let (_, mut rest) = area.split_vertically(legend.bottom);
            for panel in &self.panels {
                let (top, below) = rest.split_vertically(panel_height);
                self.draw_panel(&top, panel)?;
                rest = below;
            }
            Ok(())
        })
    }

    fn draw_panel(&self, area: &Area<'_>, panel: &LinePanel) -> Result {
        let heading = style(LARGE, TEXT, HPos::Left, VPos::Center);
        area.draw_text(panel.heading, &heading, (MARGIN, HEADING / 2))?;
        let (_, area) = area.split_vertically(HEADING);
        let longest = panel.lines.iter().flatten().copied().fold(0.0, f64::max);
        let scale = Scale::new(longest, 0, PLOT);
        let last = f64::from(int(self.ticks.len())? - 1);
        let mut chart = ChartBuilder::on(&area)
            .margin_left(MARGIN)
            .margin_right(2 * MARGIN)
            .x_label_area_size(AXIS - 6)
            .y_label_area_size(84)
            .margin_top(6)
            .build_cartesian_2d(-0.15..last + 0.15, 0.0..scale.last)?;
        let tick = |at: &f64| {
            let mut ticks = self.ticks.iter().zip(0..);
            let found = ticks.find(|(_, number)| (f64::from(*number) - at).abs() < 1e-6);
            found.map_or_else(String::new, |(label, _)| label.clone())
        };
        let number = (FONT, SMALL).into_font().color(&FAINT);
        chart
            .configure_mesh()
            .disable_x_mesh()
            .light_line_style(TRANSPARENT)
            .bold_line_style(GRID)
            .axis_style(GRID)
            .x_labels(self.ticks.len())
            .x_label_formatter(&tick)
            .x_desc(self.x_axis)
            .y_labels(6)
            .y_label_formatter(&|value| scale.label(*value))
            .y_desc(self.y_axis)
            .label_style(number)
            .axis_desc_style((FONT, SMALL).into_font().color(&TEXT))
            .draw()?;
        for (line, color) in panel.lines.iter().zip(COLORS) {
            let points = line
                .iter()
                .zip(0..)
                .map(|(value, at)| (f64::from(at), *value));
            let points: Vec<_> = points.collect();
            let dots = points
                .iter()
                .map(|point| Circle::new(*point, 4, color.filled()));
            chart.draw_series(dots)?;
            chart.draw_series(LineSeries::new(points, color.stroke_width(3)))?;
        }
        Ok(())
    }
}

/// The title, and the names of the series in rows.
struct Legend {
    /// The left edge and the top of each name with its color.
    places: Vec<(String, i32, i32)>,
    bottom: i32,
}

impl Legend {
    fn new(series: &[String]) -> Self {
        let (mut x, mut y) = (MARGIN, 46);
        let mut places = Vec::new();
        for name in series {
            // Fonts differ, so each name has room for a wide one.
            let width = 44 + 9 * i32::try_from(name.len()).unwrap_or(0);
            if x + width > WIDTH {
                (x, y) = (MARGIN, y + LEGEND);
            }
            places.push((name.clone(), x, y));
            x += width;
        }
        let bottom = y + LEGEND;
        Self { places, bottom }
    }

    fn draw(&self, area: &Area<'_>, title: &str) -> Result {
        let font = (FONT, TITLE).into_font().style(FontStyle::Bold);
        let bold = font.color(&TEXT).pos(Pos::new(HPos::Left, VPos::Center));
        area.draw_text(title, &bold, (MARGIN, 24))?;
        for ((name, x, y), color) in self.places.iter().zip(COLORS) {
            let square = [(*x, *y), (x + 14, y + 14)];
            area.draw(&Rectangle::new(square, color.filled()))?;
            let name_style = style(SMALL, TEXT, HPos::Left, VPos::Center);
            area.draw_text(name, &name_style, (x + 20, y + 8))?;
        }
        Ok(())
    }
}

/// Maps values from 0 on to pixels.
struct Scale {
    start: i32,
    pixels: f64,
    step: f64,
    last: f64,
}

impl Scale {
    /// Returns a scale with at most eight steps of 1, 2, 2.5 or 5 times a power of ten.
    fn new(longest: f64, start: i32, length: i32) -> Self {
        let power = 10_f64.powf((longest / 8.0).log10().floor());
        let steps = [1.0, 2.0, 2.5, 5.0, 10.0].map(|step| step * power);
        let step = steps.into_iter().find(|step| longest / step <= 8.0);
        let step = step.unwrap_or(longest);
        let last = (longest / step).ceil() * step;
        let pixels = f64::from(length) / last;
        Self {
            start,
            pixels,
            step,
            last,
        }
    }

    #[allow(clippy::cast_possible_truncation, reason = "the chart's width fits")]
    fn position(&self, value: f64) -> i32 {
        self.start + (value * self.pixels).round() as i32
    }

    fn ticks(&self) -> impl Iterator<Item = (f64, String)> {
        let ticks = (0..).map(|number| f64::from(number) * self.step);
        let ticks = ticks.take_while(|tick| *tick < self.last + self.step / 2.0);
        ticks.map(|tick| (tick, self.label(tick)))
    }

    fn label(&self, value: f64) -> String {
        match self.step {
            step if step < 0.5 => format!("{value:.2}"),
            step if step < 1.0 => format!("{value:.1}"),
            _ => thousands(&format!("{value:.0}")),
        }
    }
}

/// Draws on white, which is readable on a dark page, too.
fn svg(height: i32, draw: impl FnOnce(&Area<'_>) -> Result) -> Result<String> {
    let mut svg = String::new();
    {
        let size = (u32::try_from(WIDTH)?, u32::try_from(height)?);
        let area = SVGBackend::with_string(&mut svg, size).into_drawing_area();
        area.fill(&WHITE)?;
        draw(&area)?;
        area.present()?;
    }
    Ok(svg)
}

fn style(size: f64, color: RGBColor, h_pos: HPos, v_pos: VPos) -> TextStyle<'static> {
    let style = (FONT, size).into_font().color(&color);
    style.pos(Pos::new(h_pos, v_pos))
}

fn int(number: usize) -> Result<i32> {
    Ok(i32::try_from(number)?)
}
