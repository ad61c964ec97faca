//! The form of a policy: a row of fields a step. A step that tells nobody is left out, so that
//! emptying it removes it.

use domain::alert::policy::{MAX_STEPS, Policy, Step};
use domain::ids::ContactId;

use crate::extract::{Fields, FormErrors};
use crate::pages::monitors::form::durations::{parse_seconds, seconds_text};
use crate::usecases::UseCaseError;

/// What stands in the fields.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PolicyForm {
    pub name: String,
    pub steps: Vec<StepFields>,
    pub repeat: String,
    pub reminder: String,
}

/// How often it is told again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Again {
    pub repeat: u32,
    pub reminder_seconds: Option<u32>,
}

/// The fields of one step.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StepFields {
    pub delay: String,
    pub contacts: Vec<String>,
    pub schedules: Vec<String>,
    pub members: Vec<String>,
}

impl StepFields {
    /// A contact is ticked.
    pub fn tells(&self, contact: &ContactId) -> bool {
        self.contacts.contains(&contact.to_string())
    }

    /// A schedule or member is ticked.
    pub fn has(&self, id: &str) -> bool {
        let mut ticked = self.schedules.iter().chain(&self.members);
        ticked.any(|one| one == id)
    }

    /// Somebody is ticked.
    const fn names_somebody(&self) -> bool {
        !(self.contacts.is_empty() && self.schedules.is_empty() && self.members.is_empty())
    }
}

impl PolicyForm {
    /// What was sent.
    pub fn of(fields: &Fields) -> Self {
        let steps = (0..MAX_STEPS)
            .take_while(|i| fields.has(&format!("delay-{i}")))
            .map(|i| StepFields {
                delay: fields.text(&format!("delay-{i}")).to_owned(),
                contacts: ticked(fields, &format!("contact-{i}")),
                schedules: ticked(fields, &format!("schedule-{i}")),
                members: ticked(fields, &format!("member-{i}")),
            })
            .collect();
        Self {
            name: fields.text("name").to_owned(),
            steps,
            repeat: fields.text("repeat").to_owned(),
            reminder: fields.text("reminder").to_owned(),
        }
    }

    /// A policy as fields.
    pub fn of_policy(policy: &Policy) -> Self {
        let steps = policy.steps.as_deref().unwrap_or_default();
        Self {
            name: policy.name.clone(),
            steps: steps
                .iter()
                .map(|step| StepFields {
                    delay: seconds_text(Some(step.delay_seconds).filter(|delay| *delay > 0)),
                    contacts: texts(&step.contact_ids),
                    schedules: texts(&step.schedule_ids),
                    members: texts(&step.member_ids),
                })
                .collect(),
            repeat: match policy.repeat {
                0 => String::new(),
                repeat => repeat.to_string(),
            },
            reminder: seconds_text(policy.reminder_seconds),
        }
    }

    /// At least two rows, of which the last is free.
    #[must_use]
    pub fn with_room(mut self) -> Self {
        while self.steps.len() < 2 {
            self.steps.push(StepFields::default());
        }
        let is_taken = self.steps.last().is_some_and(StepFields::names_somebody);
        if is_taken && self.steps.len() < MAX_STEPS {
            self.steps.push(StepFields::default());
        }
        self
    }

    /// One more row.
    #[must_use]
    pub fn with_one_more(mut self) -> Self {
        if self.steps.len() < MAX_STEPS {
            self.steps.push(StepFields::default());
        }
        self
    }

    /// The steps that name somebody, or what is wrong with them.
    pub fn steps(&self) -> Result<Vec<Step>, FormErrors> {
        let mut errors = FormErrors::new();
        let mut steps = Vec::new();
        for (i, row) in self.named() {
            let delay = match row.delay.as_str() {
                "" => Some(0),
                text => parse_seconds(text),
            };
            if delay.is_none() {
                let wrong = format!(
                    "Step {}: this must be a length of time, such as 5 min.",
                    i + 1
                );
                errors.add(&format!("delay-{i}"), wrong);
            }
            let step = Step {
                delay_seconds: delay.unwrap_or_default(),
                contact_ids: ids(&row.contacts),
                schedule_ids: ids(&row.schedules),
                member_ids: ids(&row.members),
            };
            let found = step.contact_ids.len() + step.schedule_ids.len() + step.member_ids.len();
            if found != row.contacts.len() + row.schedules.len() + row.members.len() {
                errors.add(
                    &format!("step-{i}"),
                    "One of those who are told does not exist any more.",
                );
            }
            steps.push(step);
        }
        if steps.is_empty() {
            errors.add(
                "step-0",
                "Step 1: somebody must be told. Tick at least one contact, member or schedule.",
            );
        }
        if errors.is_empty() {
            Ok(steps)
        } else {
            Err(errors)
        }
    }

    /// Everything that is set, or what is wrong with it.
    pub fn settings(&self) -> Result<(Vec<Step>, Again), FormErrors> {
        let mut wrong = FormErrors::new();
        let repeat = match self.repeat.as_str() {
            "" => Some(0),
            text => text.parse().ok(),
        };
        if repeat.is_none() {
            wrong.add(
                "repeat",
                "Further rounds: this must be a number from 0 to 10.",
            );
        }
        let reminder_seconds = match self.reminder.as_str() {
            "" => None,
            text => Some(parse_seconds(text)),
        };
        if reminder_seconds == Some(None) {
            let text = "Reminders: this must be a length of time, such as 30 min.";
            wrong.add("reminder", text);
        }
        match self.steps() {
            Ok(steps) if wrong.is_empty() => Ok((
                steps,
                Again {
                    repeat: repeat.unwrap_or_default(),
                    reminder_seconds: reminder_seconds.flatten(),
                },
            )),
            Ok(_) => Err(wrong),
            Err(errors) => Err(errors),
        }
    }

    /// The rows that name somebody, with their places on the page.
    fn named(&self) -> impl Iterator<Item = (usize, &StepFields)> {
        let rows = self.steps.iter().enumerate();
        rows.filter(|(_, row)| row.names_somebody())
    }

    /// What a use case complains of, at the fields.
    pub fn complaints(&self, error: UseCaseError) -> Result<FormErrors, UseCaseError> {
        let Some(sentences) = error.field_sentences() else {
            return Err(error);
        };
        let mut errors = FormErrors::new();
        for (pointer, sentence) in sentences {
            let mut parts = pointer.trim_start_matches('/').split('/');
            let field = match (parts.next(), parts.next(), parts.next()) {
                (Some("steps"), Some(place), part) => {
                    let place = place.parse().ok().and_then(|place| self.named().nth(place));
                    let row = place.map_or(0, |(row, _)| row);
                    match part {
                        Some("delay_seconds") => format!("delay-{row}"),
                        _ => format!("step-{row}"),
                    }
                }
                (Some("repeat"), ..) => "repeat".to_owned(),
                (Some("reminder_seconds"), ..) => "reminder".to_owned(),
                _ => "name".to_owned(),
            };
            errors.add(&field, sentence);
        }
        Ok(errors)
    }
}

fn ticked(fields: &Fields, name: &str) -> Vec<String> {
    fields.all(name).into_iter().map(str::to_owned).collect()
}

fn texts<T: ToString>(ids: &[T]) -> Vec<String> {
    ids.iter().map(ToString::to_string).collect()
}

fn ids<T: std::str::FromStr>(texts: &[String]) -> Vec<T> {
    texts.iter().filter_map(|id| id.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use domain::monitor::validate::FieldError;

    use super::*;

    fn form(pairs: &[(&str, &str)]) -> PolicyForm {
        let body: String = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(pairs)
            .finish();
        PolicyForm::of(&Fields::parse(body.as_bytes()))
    }

    #[test]
    fn a_step_without_a_contact_is_left_out() {
        let kim = ContactId::generate().to_string();
        let form = form(&[
            ("name", "Night"),
            ("delay-0", ""),
            ("delay-1", "5 min"),
            ("contact-1", &kim),
            ("delay-2", "1 h"),
        ]);
        let steps = form.steps().unwrap();
        assert_eq!(steps.len(), 1);
        assert_eq!(steps[0].delay_seconds, 300);
        let wrong = FieldError::new("/steps/0/delay_seconds", "out_of_range", "must be less");
        let errors = form.complaints(UseCaseError::Invalid(vec![wrong])).unwrap();
        assert!(errors.at("delay-1").is_some(), "{errors:?}");
    }

    #[test]
    fn what_is_wrong_is_at_its_step() {
        let kim = ContactId::generate().to_string();
        let errors = form(&[("delay-0", "soon"), ("contact-0", &kim)]).steps();
        assert!(errors.unwrap_err().at("delay-0").is_some());
        assert!(
            form(&[("delay-0", "")])
                .steps()
                .unwrap_err()
                .at("step-0")
                .is_some()
        );
        let gone = form(&[("delay-0", ""), ("contact-0", "con_x")]).steps();
        assert!(gone.unwrap_err().at("step-0").is_some());
    }

    #[test]
    fn there_is_always_a_free_row_until_there_is_none() {
        let mut full = PolicyForm::default().with_room();
        assert_eq!(full.steps.len(), 2);
        full.steps[1].contacts.push("con_x".to_owned());
        assert_eq!(full.clone().with_room().steps.len(), 3);
        full.steps.resize(MAX_STEPS, full.steps[1].clone());
        assert_eq!(full.clone().with_room().steps.len(), MAX_STEPS);
        assert_eq!(full.with_one_more().steps.len(), MAX_STEPS);
    }
}
