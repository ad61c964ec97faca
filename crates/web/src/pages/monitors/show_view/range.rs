//! The windows of a monitor's chart.

/// The window of the chart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Range {
    Day,
    Week,
    Month,
    Quarter,
}

impl Range {
    /// All of them, shortest first.
    pub const ALL: [Self; 4] = [Self::Day, Self::Week, Self::Month, Self::Quarter];

    /// The range of a word of the address; a day when it is none.
    pub fn of(word: &str) -> Self {
        Self::ALL
            .into_iter()
            .find(|range| range.word() == word)
            .unwrap_or(Self::Day)
    }

    /// The word in the address.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Day => "24h",
            Self::Week => "7d",
            Self::Month => "30d",
            Self::Quarter => "90d",
        }
    }

    /// What people read.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Day => "24 h",
            Self::Week => "7 d",
            Self::Month => "30 d",
            Self::Quarter => "90 d",
        }
    }

    /// Its length.
    pub const fn hours(self) -> i64 {
        match self {
            Self::Day => 24,
            Self::Week => 24 * 7,
            Self::Month => 24 * 30,
            Self::Quarter => 24 * 90,
        }
    }

    /// Days of the uptime bar beside it.
    pub const fn bar_days(self) -> i64 {
        if matches!(self, Self::Quarter) {
            90
        } else {
            30
        }
    }

    /// Cells of that bar.
    pub const fn bar_cells(self) -> u32 {
        if matches!(self, Self::Quarter) {
            90
        } else {
            30
        }
    }
}
