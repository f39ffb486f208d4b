//! The table that is read: medians over the rounds, and ratios within each round.

use crate::Result;
use crate::record::median;
use crate::row::Row;
use crate::variant::{FULL, METRICS, VARIANTS, WITHOUT};

/// What every request's spans and metrics may cost, in percent.
const AIMS: [(&str, &str, &str); 2] = [
    ("requests_per_second", "throughput", "no more than 1.5 % less"),
    ("p50_us", "p50", "no more than 1 % more"),
];

pub fn of_file(file: &str) -> Result<()> {
    print(&Row::all(&std::fs::read_to_string(file)?)?);
    Ok(())
}

pub fn print(rows: &[Row]) {
    let Some(first) = rows.first() else { return };
    let rounds = rows.iter().filter(|row| row.variant == first.variant).count();
    println!(
        "\n{rounds} rounds of {} s each; {} server threads, {} requests in flight to each; a handler of {} iterations; \
         a sampled request is {} spans and {} metric records",
        first.of("seconds"),
        first.of("server_threads"),
        first.of("in_flight"),
        first.of("iterations"),
        crate::variant::SPANS,
        METRICS.len(),
    );
    println!(
        "\n{:16} {:>10} {:>7} {:>15} {:>8} {:>7} {:>15} {:>8} {:>8} {:>8}",
        "",
        "requests/s",
        "ratio",
        "middle half",
        "p50 us",
        "ratio",
        "middle half",
        "p90",
        "p99",
        "p99.9"
    );
    for variant in VARIANTS {
        let of = |column| median(all(rows, variant.name).map(|row| row.of(column)));
        let rate = Ratios::of(rows, variant.name, "requests_per_second");
        let p50 = Ratios::of(rows, variant.name, "p50_us");
        println!(
            "{:16} {:10.0} {:7.4} {:>15} {:8.1} {:7.4} {:>15} {:8.1} {:8.1} {:8.1}",
            variant.name,
            of("requests_per_second"),
            rate.median,
            rate.spread(),
            of("p50_us"),
            p50.median,
            p50.spread(),
            of("p90_us"),
            of("p99_us"),
            of("p999_us"),
        );
    }
    println!(
        "\n{:16} {:>9} {:>7} {:>15} {:>8} {:>8} {:>6} {:>7} {:>22} {:>22}",
        "CPU us/request",
        "server",
        "ratio",
        "middle half",
        "client",
        "sink",
        "busy",
        "spans",
        "spans sent/come",
        "metrics sent/come"
    );
    for variant in VARIANTS {
        let of = |column| median(all(rows, variant.name).map(|row| row.of(column)));
        let sum = |column| all(rows, variant.name).map(|row| row.of(column)).sum::<f64>();
        let server = Ratios::of(rows, variant.name, "server_cpu_us_per_request");
        let is_wrong = all(rows, variant.name).any(Row::is_wrong);
        println!(
            "{:16} {:9.2} {:7.4} {:>15} {:8.2} {:8.2} {:5.0}% {:7} {:>22} {:>22}{}",
            variant.name,
            of("server_cpu_us_per_request"),
            server.median,
            server.spread(),
            of("client_cpu_us_per_request"),
            of("sink_cpu_us_per_request"),
            100.0 * of("busy"),
            of("spans_per_request"),
            format!("{}/{}", sum("submitted"), sum("delivered")),
            format!("{}/{}", sum("metric_records_submitted"), sum("metric_records_delivered")),
            if is_wrong { "  LOST SOME: not a figure of the same work" } else { "" },
        );
    }
    println!(
        "\nA ratio is the median over the rounds of that to \"{WITHOUT}\" in the same round. Client and sink have the \
         server's cores: what they take of it is in the throughput, and is not in the server's CPU time."
    );
    for (column, name, aim) in AIMS {
        let change = 100.0 * (Ratios::of(rows, FULL, column).median - 1.0);
        println!("{FULL}: {name} {change:+.2} % (aim: {aim})");
    }
}

fn all<'a>(rows: &'a [Row], variant: &'a str) -> impl Iterator<Item = &'a Row> {
    rows.iter().filter(move |row| row.variant == variant)
}

/// To the server without telemetry, round by round: what else the machine did falls on both.
struct Ratios {
    median: f64,
    quarters: [f64; 2],
}

impl Ratios {
    fn of(rows: &[Row], variant: &str, column: &str) -> Self {
        let mut ratios: Vec<f64> = all(rows, variant)
            .filter_map(|row| {
                let beside =
                    all(rows, WITHOUT).find(|other| other.of("round") == row.of("round"))?;
                Some(row.of(column) / beside.of(column))
            })
            .collect();
        ratios.sort_by(f64::total_cmp);
        let at = |index: usize| ratios.get(index).copied().unwrap_or(f64::NAN);
        let last = ratios.len().saturating_sub(1);
        // The mean of the two in the middle where there are two: half a percent matters here.
        let median = (at(last / 2) + at(ratios.len() / 2)) / 2.0;
        let quarter = ratios.len() / 4;
        let quarters = [at(quarter), at(last - quarter)];
        Self { median, quarters }
    }

    fn spread(&self) -> String {
        format!("{:.4}..{:.4}", self.quarters[0], self.quarters[1])
    }
}
