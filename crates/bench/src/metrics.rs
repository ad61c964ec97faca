//! Reading Prometheus text.

/// A scrape.
pub struct Scrape(String);

impl Scrape {
    /// Of this text.
    pub fn of(text: String) -> Self {
        Self(text)
    }

    fn samples<'a>(&'a self, name: &'a str) -> impl Iterator<Item = (&'a str, f64)> {
        self.0
            .lines()
            .filter(|line| !line.starts_with('#'))
            .filter_map(move |line| {
                let (series, value) = line.rsplit_once(' ')?;
                let found = series.split('{').next() == Some(name);
                found.then_some((series, value.parse().ok()?))
            })
    }

    /// The sum over all series of `name`.
    pub fn sum(&self, name: &str) -> f64 {
        self.samples(name).map(|(_, value)| value).sum()
    }

    /// The sum over the series of `name` that have `label` as a label's value.
    pub fn sum_where(&self, name: &str, label: &str) -> f64 {
        let label = format!("=\"{label}\"");
        let found = |(series, _): &(&str, f64)| series.contains(&label);
        self.samples(name)
            .filter(found)
            .map(|(_, value)| value)
            .sum()
    }

    /// The upper bound of the bucket that holds quantile `q` of what came since `before`, seconds.
    pub fn quantile_since(&self, before: &Self, name: &str, q: f64) -> Option<f64> {
        let bucket = format!("{name}_bucket");
        let counts = |scrape: &Self| -> Vec<(f64, f64)> {
            scrape
                .samples(&bucket)
                .filter_map(|(series, count)| Some((bound(series)?, count)))
                .collect()
        };
        let earlier = counts(before);
        let mut grown: Vec<(f64, f64)> = counts(self)
            .into_iter()
            .map(|(bound, count)| {
                let was = earlier
                    .iter()
                    .find(|(other, _)| *other == bound)
                    .map_or(0.0, |(_, count)| *count);
                (bound, count - was)
            })
            .collect();
        grown.sort_by(|a, b| a.0.total_cmp(&b.0));
        let total = grown.last()?.1;
        grown
            .into_iter()
            .find(|(_, count)| *count >= total * q)
            .map(|(bound, _)| bound)
    }
}

/// The `le` of a bucket.
fn bound(series: &str) -> Option<f64> {
    let (_, rest) = series.split_once("le=\"")?;
    let text = rest.split('"').next()?;
    if text == "+Inf" {
        Some(f64::INFINITY)
    } else {
        text.parse().ok()
    }
}
