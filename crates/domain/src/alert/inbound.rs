//! What people send back to an alert: `ACK`, `ACK 2`, `ACK ALL`, `HELP`, `STOP`, `START`.

/// Which of the open incidents is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// The only one.
    Only,
    /// That one of the list that was sent last, counted from 1.
    Number(usize),
    /// All.
    All,
}

/// A text that somebody sent us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    /// Takes an incident.
    Acknowledge(Which),
    /// Wants to know the words.
    Help,
    /// Wants no more texts.
    Stop,
    /// Wants texts again.
    Start,
    /// Anything else.
    Unknown,
}

impl Command {
    /// Reads a text; letters' case, blanks and punctuation do not matter. Words that stop or start all
    /// texts count only where they stand alone, as networks read them.
    pub fn parse(body: &str) -> Self {
        let words: Vec<String> = body
            .split(|c: char| !c.is_ascii_alphanumeric())
            .filter(|word| !word.is_empty())
            .take(4)
            .map(str::to_ascii_uppercase)
            .collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        match words.as_slice() {
            ["ACK", "ALL"] => Self::Acknowledge(Which::All),
            ["ACK", number] => number.parse().map_or(Self::Unknown, |number| {
                Self::Acknowledge(Which::Number(number))
            }),
            ["ACK"] => Self::Acknowledge(Which::Only),
            [word] => match word.strip_prefix("ACK") {
                Some(number) if !number.is_empty() => Self::parse(&format!("ACK {number}")),
                _ => Self::of_word(word),
            },
            _ => Self::Unknown,
        }
    }

    fn of_word(word: &str) -> Self {
        match word {
            "HELP" | "INFO" => Self::Help,
            "STOP" | "STOPALL" | "UNSUBSCRIBE" | "CANCEL" | "END" | "QUIT" => Self::Stop,
            "START" | "UNSTOP" => Self::Start,
            _ => Self::Unknown,
        }
    }

    /// The stored word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Acknowledge(_) => "acknowledge",
            Self::Help => "help",
            Self::Stop => "stop",
            Self::Start => "start",
            Self::Unknown => "unknown",
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("ACK", Command::Acknowledge(Which::Only))]
    #[case(" ack. ", Command::Acknowledge(Which::Only))]
    #[case("Ack 2", Command::Acknowledge(Which::Number(2)))]
    #[case("ACK2", Command::Acknowledge(Which::Number(2)))]
    #[case("ack all", Command::Acknowledge(Which::All))]
    #[case("ACKALL", Command::Acknowledge(Which::All))]
    #[case("ACK 99999999999999999999999", Command::Unknown)]
    #[case("ACK me", Command::Unknown)]
    #[case("help", Command::Help)]
    #[case("STOP", Command::Stop)]
    #[case("unsubscribe", Command::Stop)]
    #[case("Cancel!", Command::Stop)]
    #[case("end", Command::Stop)]
    #[case("QUIT", Command::Stop)]
    #[case("please stop it", Command::Unknown)]
    #[case("Start", Command::Start)]
    #[case("", Command::Unknown)]
    #[case("\u{1f692}", Command::Unknown)]
    fn words(#[case] body: &str, #[case] command: Command) {
        assert_eq!(Command::parse(body), command, "{body}");
    }
}
