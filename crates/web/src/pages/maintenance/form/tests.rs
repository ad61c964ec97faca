use super::*;

fn now() -> Timestamp {
    "2026-11-22T13:02:11Z".parse().unwrap()
}

fn form(pairs: &[(&str, &str)]) -> WindowForm {
    let body: String = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(pairs)
        .finish();
    WindowForm::of(&Fields::parse(body.as_bytes()), "Europe/Berlin")
}

fn window(parts: Parts) -> MaintenanceWindow {
    MaintenanceWindow {
        id: domain::ids::MaintenanceWindowId::generate(),
        name: parts.name,
        targets: parts.targets,
        schedule: parts.schedule,
        ended_at: None,
        created_at: now(),
        updated_at: now(),
        version: 1,
    }
}

#[test]
fn every_way_to_say_when_is_read_and_comes_back() {
    let id = MonitorId::generate().to_string();
    for pairs in [
        vec![
            ("when", "once"),
            ("from", "2026-11-24T02:00"),
            ("to", "2026-11-24T03:30"),
        ],
        vec![
            ("when", "weekly"),
            ("day", "TU"),
            ("day", "FR"),
            ("time", "02:00"),
            ("weekly_for", "1 h"),
        ],
        vec![
            ("when", "rule"),
            ("rrule", "FREQ=MONTHLY;BYDAY=2SU"),
            ("local_start", "2026-11-24T02:00"),
            ("rule_for", "90 min"),
            ("scope", "some"),
            ("monitor", &id),
            ("tag", "prod"),
        ],
    ] {
        let first = window(form(&pairs).parts(now()).ok().unwrap());
        assert_eq!(first.validate(now()), []);
        let again = WindowForm::of_window(&first, now(), "Europe/Berlin");
        let again = window(again.parts(now()).ok().unwrap());
        assert_eq!(
            (&first.schedule, &first.targets),
            (&again.schedule, &again.targets)
        );
    }
    let soon = form(&[("when", "now"), ("now_for", "30 min")]).parts(now());
    let once = Occurrence {
        starts_at: now(),
        ends_at: now() + SignedDuration::from_mins(30),
    };
    assert_eq!(soon.ok().unwrap().schedule, Schedule::Once(once));
}

#[test]
fn what_is_wrong_is_at_its_field() {
    for (pairs, field) in [
        (vec![], "when"),
        (vec![("when", "now"), ("now_for", "soon")], "now_for"),
        (
            vec![("when", "once"), ("from", "x"), ("to", "2026-11-24T03:30")],
            "from",
        ),
        (
            vec![("when", "weekly"), ("time", "02:00"), ("weekly_for", "1 h")],
            "day",
        ),
        (
            vec![
                ("when", "weekly"),
                ("day", "TU"),
                ("time", "2"),
                ("weekly_for", "1 h"),
            ],
            "time",
        ),
        (
            vec![
                ("when", "rule"),
                ("rrule", "FREQ=DAILY"),
                ("rule_for", "1 h"),
            ],
            "local_start",
        ),
        (
            vec![("when", "now"), ("now_for", "1 h"), ("scope", "some")],
            "scope",
        ),
        (
            vec![
                ("when", "once"),
                ("from", "2026-11-24T02:00"),
                ("to", "2026-11-24T03:30"),
                ("timezone", "Mars"),
            ],
            "timezone",
        ),
    ] {
        let errors = form(&pairs).parts(now()).err().unwrap();
        assert!(errors.at(field).is_some(), "{field}: {errors:?}");
    }
    let wrong = domain::monitor::validate::FieldError::new(
        "/duration_seconds",
        "out_of_range",
        "must be between 60 and 604800",
    );
    let errors = form(&[("when", "weekly")]).complaints(UseCaseError::Invalid(vec![wrong]));
    let errors = errors.unwrap();
    assert_eq!(
        errors.at("weekly_for"),
        Some("For: this must be between 1 min and 7 days.")
    );
}
