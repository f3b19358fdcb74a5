//! The times of this crate and of others, from the table of COMPARE.md.

use crate::chart::{Bar, Bars, Group, Panel};
use crate::{Output, Result, read};

/// Draws the times of each body as bars, relative to the first crate.
pub(crate) fn draw() -> Result<Vec<Output>> {
    let page = read("COMPARE.md")?;
    let mut lines = page
        .lines()
        .skip_while(|line| !line.starts_with("| Body |"));
    let head = cells(lines.next().ok_or("COMPARE.md has no table of times")?);
    let names = head
        .iter()
        .filter_map(|cell| cell.strip_prefix('`')?.strip_suffix('`'));
    let series: Vec<_> = names.map(str::to_owned).collect();
    let rows = lines.skip(1).take_while(|line| line.starts_with('|'));
    let groups = rows.map(|line| {
        // Behind the name of the body and its length.
        let cells = cells(line);
        let times = cells.get(2..2 + series.len());
        let bars = times.and_then(|times| times.iter().map(|cell| bar(cell)).collect());
        let bars = bars.ok_or_else(|| format!("expected times, found {line:?}"))?;
        let name = cells[0].to_owned();
        Ok(Group { name, bars })
    });
    let chart = Bars {
        title: "Time to parse a webhook body (shorter is faster)",
        panels: vec![Panel {
            heading: None,
            axis: format!("time as a multiple of that of {}", series[0]),
            groups: groups.collect::<Result<_>>()?,
        }],
        series,
    };
    let path = "benches/charts/peers.svg";
    Ok(vec![Output {
        path,
        text: chart.draw()?,
    }])
}

/// Returns the bar of a cell: `1,171`, `1,544 (1.32)`, `1,544 (1.32), 2 of 3` items, or `error`.
fn bar(cell: &str) -> Option<Bar> {
    if cell == "error" {
        let label = "rejected with an error".to_owned();
        return Some(Bar { length: 0.0, label });
    }
    let (time, items) = cell.split_once(", ").unwrap_or((cell, ""));
    let (time, ratio) = time.split_once(" (").unwrap_or((time, "1.00)"));
    let ratio = ratio.strip_suffix(')')?;
    let nanoseconds: f64 = time.replace(',', "").parse().ok()?;
    let time = match nanoseconds {
        ns if ns < 999.5 => format!("{ns:.0} ns"),
        ns if ns < 99_950.0 => format!("{:.1} µs", ns / 1e3),
        ns if ns < 999_500.0 => format!("{:.0} µs", ns / 1e3),
        ns => format!("{:.2} ms", ns / 1e6),
    };
    let items = match items {
        "" => String::new(),
        items => format!(", {items} items"),
    };
    let label = format!("{ratio} ({time}{items})");
    Some(Bar {
        length: ratio.parse().ok()?,
        label,
    })
}

fn cells(line: &str) -> Vec<&str> {
    let cells = line.trim().trim_matches('|').split('|');
    cells.map(str::trim).collect()
}
