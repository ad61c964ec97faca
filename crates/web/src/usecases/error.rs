//! Why a use case was refused.

use std::fmt;

use domain::account::Plan;
use domain::monitor::validate::FieldError;

/// The result of a use case.
pub type UseCaseResult<T> = Result<T, UseCaseError>;

/// Why it was refused. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum UseCaseError {
    /// Nothing here, or not yours.
    #[error("There is nothing here, or it is not yours.")]
    NotFound,
    /// Fields are wrong.
    #[error("Some fields are wrong.")]
    Invalid(Vec<FieldError>),
    /// The plan allows no more.
    #[error("{0}")]
    PlanLimit(PlanLimit),
    /// It does not fit what is there.
    #[error("{detail}")]
    Conflict {
        /// The field that is in the way, if it is one.
        pointer: Option<&'static str>,
        /// One sentence.
        detail: String,
    },
    /// The incident's monitor still fails.
    #[error(
        "The latest looks still fail. Send force to resolve it all the same; it then stays quiet until it was up once."
    )]
    StillFailing,
    /// Not with these rights.
    #[error("{0}")]
    Forbidden(&'static str),
    /// Asked for too often.
    #[error("{detail}")]
    TooSoon {
        /// Seconds until it may be asked again.
        retry_after: u64,
        /// One sentence.
        detail: String,
    },
    /// Not now.
    #[error("{0}")]
    Unavailable(&'static str),
    /// Our fault.
    #[error("internal: {0}")]
    Internal(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl UseCaseError {
    /// One field is wrong.
    pub fn field(
        pointer: impl Into<String>,
        code: &'static str,
        message: impl Into<String>,
    ) -> Self {
        Self::Invalid(vec![FieldError::new(pointer, code, message)])
    }

    /// It does not fit what is there.
    pub fn conflict(pointer: Option<&'static str>, detail: impl Into<String>) -> Self {
        Self::Conflict {
            pointer,
            detail: detail.into(),
        }
    }

    /// An unexpected error.
    pub fn internal(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Internal(error.into())
    }

    /// What is wrong by field, for a form: pointer and a whole sentence. Errors that are about no field
    /// have an empty pointer; `None` when a form cannot show it (not found, our fault).
    pub fn field_sentences(&self) -> Option<Vec<(String, String)>> {
        match self {
            Self::Invalid(errors) => Some(
                errors
                    .iter()
                    .map(|error| (error.pointer.clone(), format!("This {}.", error.message)))
                    .collect(),
            ),
            Self::Conflict { pointer, detail } => Some(vec![(
                pointer.unwrap_or_default().to_owned(),
                detail.clone(),
            )]),
            Self::PlanLimit(_) | Self::StillFailing | Self::TooSoon { .. } => {
                Some(vec![(String::new(), self.to_string())])
            }
            Self::NotFound | Self::Forbidden(_) | Self::Unavailable(_) | Self::Internal(_) => None,
        }
    }
}

impl From<store::Error> for UseCaseError {
    fn from(error: store::Error) -> Self {
        if error.is_unavailable() {
            tracing::warn!(%error, "the database is away");
            Self::Unavailable("The database does not answer right now.")
        } else {
            Self::internal(error)
        }
    }
}

impl From<sqlx::Error> for UseCaseError {
    fn from(error: sqlx::Error) -> Self {
        store::Error::from(error).into()
    }
}

impl From<::incidents::Error> for UseCaseError {
    fn from(error: ::incidents::Error) -> Self {
        match error {
            ::incidents::Error::Store(error) => error.into(),
            other => Self::internal(other),
        }
    }
}

impl From<UseCaseError> for crate::error::PageError {
    fn from(error: UseCaseError) -> Self {
        match error {
            UseCaseError::NotFound => Self::NotFound,
            UseCaseError::Forbidden(why) => Self::Forbidden(why),
            UseCaseError::TooSoon { retry_after, .. } => Self::TooManyRequests { retry_after },
            UseCaseError::Unavailable(why) => Self::Unavailable(why),
            UseCaseError::Internal(cause) => Self::internal(cause),
            other => Self::BadRequest(other.to_string()),
        }
    }
}

/// What a plan counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resource {
    /// Monitors, paused ones too.
    Monitors,
    /// Monitors that are looked at.
    ActiveMonitors,
    /// Contacts.
    Contacts,
    /// Webhook and chat contacts, which count as contacts too.
    Integrations,
    /// API keys.
    ApiKeys,
    /// Escalation policies beside the default one: as many as contacts.
    Policies,
    /// Maintenance windows that are not over: as many as monitors.
    MaintenanceWindows,
    /// On-call schedules: as many as contacts.
    Schedules,
}

/// The plan is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlanLimit {
    /// What there are too many of.
    pub resource: Resource,
    /// How many the plan allows.
    pub limit: u32,
    /// How many there are.
    pub used: u32,
    /// The account's plan.
    pub plan: Plan,
    /// The smallest plan that allows one more.
    pub lifted_by: Option<Plan>,
}

impl PlanLimit {
    /// Whether `more` still fit.
    pub fn check(resource: Resource, plan: Plan, used: u32, more: u32) -> Result<(), Self> {
        let wanted = used.saturating_add(more);
        let limit_of = |plan: Plan| match resource {
            Resource::Monitors | Resource::ActiveMonitors | Resource::MaintenanceWindows => {
                plan.limits().monitors
            }
            Resource::Contacts | Resource::Policies | Resource::Schedules => plan.limits().contacts,
            Resource::Integrations => plan.limits().integrations,
            Resource::ApiKeys => plan.limits().api_keys,
        };
        let limit = limit_of(plan);
        if wanted <= limit {
            return Ok(());
        }
        let lifted_by = Plan::ALL
            .into_iter()
            .find(|larger| *larger > plan && limit_of(*larger) >= wanted);
        Err(Self {
            resource,
            limit,
            used,
            plan,
            lifted_by,
        })
    }
}

impl fmt::Display for PlanLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.resource {
            Resource::Monitors => "monitors",
            Resource::ActiveMonitors => "monitors that are looked at",
            Resource::Contacts => "contacts",
            Resource::Integrations => "webhook and chat contacts",
            Resource::ApiKeys => "API keys",
            Resource::Policies => "policies",
            Resource::MaintenanceWindows => "maintenance windows",
            Resource::Schedules => "on-call schedules",
        };
        write!(
            f,
            "The {} plan has {} {what}, and {} in use{}.",
            self.plan.as_str(),
            self.limit,
            if self.used == 1 {
                "1 is".to_owned()
            } else {
                format!("{} are", self.used)
            },
            match self.limit.saturating_sub(self.used) {
                0 => String::new(),
                left => format!(", so {left} more can be added"),
            }
        )?;
        match self.lifted_by {
            Some(plan) => write!(f, " The {} plan has more.", plan.as_str()),
            None => Ok(()),
        }
    }
}

impl From<PlanLimit> for UseCaseError {
    fn from(limit: PlanLimit) -> Self {
        Self::PlanLimit(limit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_eleventh_is_refused_and_the_next_plan_named() {
        assert_eq!(
            PlanLimit::check(Resource::Monitors, Plan::Free, 9, 1),
            Ok(())
        );
        let full = PlanLimit::check(Resource::Monitors, Plan::Free, 10, 1).unwrap_err();
        assert_eq!(
            (full.limit, full.used, full.lifted_by),
            (10, 10, Some(Plan::Solo))
        );
        assert_eq!(
            full.to_string(),
            "The free plan has 10 monitors, and 10 are in use. The solo plan has more."
        );
        let many = PlanLimit::check(Resource::Monitors, Plan::Free, 10, 100).unwrap_err();
        assert_eq!(many.lifted_by, Some(Plan::Team));
        let top = PlanLimit::check(Resource::ApiKeys, Plan::Enterprise, 500, 1).unwrap_err();
        assert_eq!(top.lifted_by, None);
    }
}
