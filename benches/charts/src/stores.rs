//! The times of an engine over SQLite, over Postgres, and behind JetStream.

use crate::chart::{Bar, Bars, Group, LinePanel, Lines, Panel};
use crate::results::{markdown, micros, rows, thousands};
use crate::{Output, Result, fill, read};

const POSTGRES: &str = "benches/charts/postgres.txt";
const NATS: &str = "benches/charts/nats.txt";

/// The events of a body, and the number of clients.
type Case = (usize, usize);

const CASES: [Case; 4] = [(1, 1), (1, 8), (1000, 1), (1000, 8)];

/// The output of a bench.
struct Results {
    /// The date, the machine and the versions.
    machine: String,
    /// The number of events in the store before, the name, the case, and the µs an event.
    times: Vec<(usize, String, Case, f64)>,
}

impl Results {
    fn of_postgres() -> Result<Self> {
        let text = read(POSTGRES)?;
        let head = [
            "stored",
            "store",
            "events a body",
            "clients",
            "µs an event",
            "worst ms",
        ];
        let times =
            rows(&text, head)?
                .into_iter()
                .map(|[stored, name, size, clients, micros, _]| {
                    let case = (size.parse()?, clients.parse()?);
                    Ok((stored.parse()?, name.to_owned(), case, micros.parse()?))
                });
        Self::new(&text, times)
    }

    fn of_nats() -> Result<Self> {
        let text = read(NATS)?;
        let head = [
            "worker",
            "events a body",
            "clients",
            "µs an event",
            "answered",
        ];
        let times = rows(&text, head)?
            .into_iter()
            .map(|[name, size, clients, micros, _]| {
                let case = (size.parse()?, clients.parse()?);
                Ok((0, name.to_owned(), case, micros.parse()?))
            });
        Self::new(&text, times)
    }

    fn new(
        text: &str,
        times: impl Iterator<Item = Result<(usize, String, Case, f64)>>,
    ) -> Result<Self> {
        Ok(Self {
            machine: text.lines().next().unwrap_or_default().to_owned(),
            times: times.collect::<Result<_>>()?,
        })
    }

    /// Returns the numbers of stored events, in their order.
    fn sizes(&self) -> Vec<usize> {
        let mut sizes: Vec<_> = self.times.iter().map(|time| time.0).collect();
        sizes.sort_unstable();
        sizes.dedup();
        sizes
    }

    fn time(&self, stored: usize, name: &str, case: Case) -> Result<f64> {
        let mut times = self.times.iter();
        let found = times.find(|time| (time.0, time.1.as_str(), time.2) == (stored, name, case));
        let missing = || format!("there is no time of {name} with {stored} events for {case:?}");
        Ok(found.ok_or_else(missing)?.3)
    }
}

/// Draws the time of an event over the number of stored events.
pub(crate) fn draw_stored() -> Result<Vec<Output>> {
    const NAMES: [&str; 3] = ["sqlite", "postgres", "bare"];
    let results = Results::of_postgres()?;
    let sizes = results.sizes();
    let line = |name, case| {
        let times = sizes.iter().map(|size| results.time(*size, name, case));
        times.collect::<Result<Vec<_>>>()
    };
    let panel = |size, heading| -> Result<_> {
        let lines = NAMES.map(|name| line(name, (size, 1)));
        Ok(LinePanel {
            heading,
            lines: lines.into_iter().collect::<Result<_>>()?,
        })
    };
    let panels = vec![
        panel(1, "One event a body")?,
        panel(1000, "1,000 events a body")?,
    ];
    let row = |at: usize| {
        let times = panels.iter().flat_map(|panel| &panel.lines);
        let times = times.map(|line| micros(line[at]));
        [thousands(&sizes[at].to_string())]
            .into_iter()
            .chain(times)
            .collect()
    };
    let head = [
        "stored events",
        "SQLite",
        "Postgres",
        "bare statements",
        "SQLite, 1,000 a body",
        "Postgres, 1,000 a body",
        "bare statements, 1,000 a body",
    ];
    let table = markdown(&head, (0..sizes.len()).map(row));
    let chart = Lines {
        title: "Time of an event in a growing store",
        series: ["SQLite", "Postgres", "Postgres, bare statements"]
            .map(str::to_owned)
            .to_vec(),
        ticks: sizes
            .iter()
            .map(|size| thousands(&size.to_string()))
            .collect(),
        x_axis: "stored events before the measurement; after 0, each step is × 10",
        y_axis: "µs an event",
        panels,
    };
    let text = format!("{table}\n{}", conditions(&[&results]));
    Ok(vec![
        Output {
            path: "benches/charts/stored.svg",
            text: chart.draw()?,
        },
        fill("benches/README.md", "stored", &text)?,
    ])
}

/// Draws the time of an event for each way to keep it.
pub(crate) fn draw_stores() -> Result<Vec<Output>> {
    let (stores, queue) = (Results::of_postgres()?, Results::of_nats()?);
    let names = ["SQLite", "Postgres", "JetStream", "JetStream and SQLite"];
    let times = |case| -> Result<Vec<f64>> {
        let times = [
            stores.time(0, "sqlite", case),
            stores.time(0, "postgres", case),
            queue.time(0, "bare", case),
            queue.time(0, "sqlite", case),
        ];
        times.into_iter().collect()
    };
    let group = |case: Case| -> Result<_> {
        let bar = |time: f64| Bar {
            length: time,
            label: micros(time),
        };
        let name = clients(case.1);
        Ok(Group {
            name,
            bars: times(case)?.into_iter().map(bar).collect(),
        })
    };
    let panel = |size, heading| -> Result<_> {
        let cases = CASES.into_iter().filter(|case| case.0 == size);
        Ok(Panel {
            heading: Some(heading),
            axis: "µs an event".to_owned(),
            groups: cases.map(group).collect::<Result<_>>()?,
        })
    };
    let chart = Bars {
        title: "Time from a body to its receivers (shorter is faster)",
        series: names.map(str::to_owned).to_vec(),
        panels: vec![
            panel(1, "One event a body")?,
            panel(1000, "1,000 events a body")?,
        ],
    };
    let row = |case: Case| -> Result<Vec<String>> {
        let head = [thousands(&case.0.to_string()), case.1.to_string()];
        Ok(head
            .into_iter()
            .chain(times(case)?.into_iter().map(micros))
            .collect())
    };
    let rows: Vec<_> = CASES.into_iter().map(row).collect::<Result<_>>()?;
    let head: Vec<_> = ["events a body", "clients"]
        .into_iter()
        .chain(names)
        .collect();
    let table = markdown(&head, rows);
    Ok(vec![
        Output {
            path: "benches/charts/stores.svg",
            text: chart.draw()?,
        },
        fill(
            "COMPARE.md",
            "stores",
            &format!("{table}\n{}", conditions(&[&stores, &queue])),
        )?,
        fill("postgres/README.md", "stores", &of_postgres(&stores)?)?,
    ])
}

/// Returns the table of the README of the Postgres store.
fn of_postgres(results: &Results) -> Result<String> {
    let most = *results.sizes().last().ok_or("there are no times")?;
    let [postgres, sqlite] =
        ["Postgres", "SQLite"].map(|name| format!("{name} with {}", thousands(&most.to_string())));
    let head = [
        "events a body",
        "clients",
        "bare statements",
        "Postgres",
        "SQLite",
        &postgres,
        &sqlite,
    ];
    let row = |case: Case| -> Result<Vec<String>> {
        let mut row = vec![thousands(&case.0.to_string()), case.1.to_string()];
        for (stored, name) in [
            (0, "bare"),
            (0, "postgres"),
            (0, "sqlite"),
            (most, "postgres"),
            (most, "sqlite"),
        ] {
            row.push(micros(results.time(stored, name, case)?));
        }
        Ok(row)
    };
    let rows: Vec<_> = CASES.into_iter().map(row).collect::<Result<_>>()?;
    Ok(format!(
        "{}\n{}",
        markdown(&head, rows),
        conditions(&[results])
    ))
}

fn clients(count: usize) -> String {
    match count {
        1 => "1 client".to_owned(),
        count => format!("{count} clients"),
    }
}

/// Returns the dates, machines and versions as a block, in which clippy finds no Rust names.
fn conditions(results: &[&Results]) -> String {
    let machines = results
        .iter()
        .map(|results| textwrap::fill(&results.machine, 100));
    let machines: Vec<_> = machines.collect();
    format!("```text\n{}\n```", machines.join("\n"))
}
