//! The rules as tables.

use rstest::rstest;

use super::*;
use crate::contact::Channel;
use crate::ids::ContactId;

const LATER: Timestamp = Timestamp::UNIX_EPOCH;

fn contact() -> Contact {
    Contact {
        id: ContactId::generate(),
        channel: Channel::Email,
        name: "Ana".into(),
        address: "ana@shop.example".into(),
        verified_at: Some(LATER),
        in_default: true,
        call_on_recovery: false,
        member_id: None,
        only_critical: false,
        quiet_hours: None,
        disabled_reason: None,
        created_at: LATER,
    }
}

fn facts(event: Event, contact: &Contact) -> Facts<'_> {
    Facts {
        event,
        contact: Some(contact),
        lost_claims: 0,
        may_have_arrived: false,
        resolved: None,
        taken: false,
        stand_in: false,
        earlier: None,
        outage: None,
        quiet_until: None,
        snoozed_until: None,
        passed_over: false,
        is_news: false,
        now: LATER,
    }
}

const SEND: Decision = Decision::Send { first_word: false };
const FIRST_WORD: Decision = Decision::Send { first_word: true };
const HOLD: Decision = Decision::Hold { until: LATER };
const NOT_FOR_THEM: Decision = Decision::Skip(NOT_TOLD);
const NOT_THERE: Decision = Decision::Skip("nobody is told of this on such a channel");

#[rstest]
#[case(DeliveryState::Sent, false, SEND)]
#[case(DeliveryState::Delivered, false, SEND)]
#[case(DeliveryState::Merged, false, SEND)]
#[case(DeliveryState::Pending, false, FIRST_WORD)]
#[case(DeliveryState::Pending, true, HOLD)]
#[case(DeliveryState::Held, false, FIRST_WORD)]
#[case(DeliveryState::Sending, false, HOLD)]
#[case(DeliveryState::Superseded, false, FIRST_WORD)]
#[case(DeliveryState::Failed, false, NOT_FOR_THEM)]
#[case(DeliveryState::GivenUp, true, NOT_FOR_THEM)]
#[case(DeliveryState::Skipped, false, NOT_FOR_THEM)]
fn a_recovery_follows_its_outage(
    #[case] state: DeliveryState,
    #[case] may_have_arrived: bool,
    #[case] wanted: Decision,
) {
    let contact = contact();
    let outage = Some(OutageDelivery {
        state,
        may_have_arrived,
        next_at: LATER,
        accepted_at: None,
        passed_over: false,
    });
    let recovered = Facts {
        resolved: Some(ResolvedReason::Recovered),
        outage,
        ..facts(Event::IncidentResolved, &contact)
    };
    assert_eq!(decide(&recovered), wanted);
}

#[rstest]
#[case::told(Channel::Email, Some(DeliveryState::Sent), true, SEND)]
#[case::told_in_a_chat(Channel::Slack, Some(DeliveryState::Delivered), true, SEND)]
#[case::told_a_service_that_keeps_notes(Channel::Opsgenie, Some(DeliveryState::Sent), true, SEND)]
#[case::told_the_same(
    Channel::Email,
    Some(DeliveryState::Sent),
    false,
    Decision::Skip(SAID_SO)
)]
#[case::being_told(Channel::Email, Some(DeliveryState::Sending), true, HOLD)]
#[case::to_be_told(Channel::Email, Some(DeliveryState::Pending), false, HOLD)]
#[case::not_told(Channel::Email, Some(DeliveryState::Failed), true, NOT_FOR_THEM)]
#[case::never_planned(Channel::Email, None, true, NOT_FOR_THEM)]
#[case::a_text_costs(Channel::Sms, Some(DeliveryState::Sent), true, NOT_THERE)]
#[case::a_call_wakes(Channel::Voice, Some(DeliveryState::Sent), true, NOT_THERE)]
#[case::an_alert_would_be_a_second_one(
    Channel::PagerDuty,
    Some(DeliveryState::Sent),
    true,
    NOT_THERE
)]
#[case::programs_read_it(Channel::Webhook, Some(DeliveryState::Sent), true, NOT_THERE)]
fn a_closer_look_is_told_after_the_first_message_where_it_says_something_else(
    #[case] channel: Channel,
    #[case] state: Option<DeliveryState>,
    #[case] is_news: bool,
    #[case] wanted: Decision,
) {
    let contact = Contact {
        channel,
        ..contact()
    };
    let outage = state.map(|state| OutageDelivery {
        state,
        may_have_arrived: false,
        next_at: LATER,
        accepted_at: None,
        passed_over: false,
    });
    let closer = Facts {
        outage,
        is_news,
        ..facts(Event::IncidentDiagnosed, &contact)
    };
    assert_eq!(decide(&closer), wanted);
    // Who has it wants to know why.
    let taken = Facts {
        taken: true,
        ..closer
    };
    assert_eq!(decide(&taken), wanted);
    let over = Facts {
        resolved: Some(ResolvedReason::Recovered),
        ..closer
    };
    let is_heard = channel.hears_diagnosis();
    assert_eq!(
        decide(&over),
        if is_heard {
            Decision::Skip(IS_OVER)
        } else {
            NOT_THERE
        }
    );
    let snoozed = Facts {
        snoozed_until: Some(LATER),
        ..closer
    };
    assert_eq!(
        decide(&snoozed),
        if wanted == SEND {
            Decision::Skip(IS_SNOOZED)
        } else {
            wanted
        }
    );
}

#[test]
fn a_recovery_without_an_outage_is_not_sent() {
    let contact = contact();
    let recovered = facts(Event::IncidentResolved, &contact);
    assert_eq!(decide(&recovered), NOT_FOR_THEM);
    assert_eq!(
        decide(&Facts {
            stand_in: true,
            ..recovered
        }),
        FIRST_WORD
    );
}

#[test]
fn an_outage_that_is_over_is_left_to_its_recovery() {
    let contact = contact();
    let over = Facts {
        resolved: Some(ResolvedReason::Recovered),
        ..facts(Event::IncidentOpened, &contact)
    };
    assert_eq!(decide(&over), Decision::Supersede);
    assert_eq!(
        decide(&Facts {
            may_have_arrived: true,
            ..over
        }),
        SEND
    );
    assert_eq!(
        decide(&Facts {
            resolved: None,
            ..over
        }),
        SEND
    );
}

#[rstest]
#[case(Channel::Sms, ResolvedReason::Deleted, Some(59), true)]
#[case(Channel::Sms, ResolvedReason::Paused, Some(61), false)]
#[case(Channel::Sms, ResolvedReason::Edited, None, false)]
#[case(Channel::Sms, ResolvedReason::Recovered, Some(600), true)]
#[case(Channel::Sms, ResolvedReason::Manual, Some(600), true)]
#[case(Channel::Email, ResolvedReason::Deleted, Some(600), true)]
fn a_change_of_settings_is_worth_a_text_for_an_hour(
    #[case] channel: Channel,
    #[case] reason: ResolvedReason,
    #[case] told_minutes_ago: Option<i64>,
    #[case] sent: bool,
) {
    let contact = Contact {
        channel,
        ..contact()
    };
    let outage = OutageDelivery {
        state: if told_minutes_ago.is_some() {
            DeliveryState::Sent
        } else {
            DeliveryState::Pending
        },
        may_have_arrived: false,
        next_at: LATER,
        accepted_at: told_minutes_ago.map(|ago| LATER - SignedDuration::from_mins(ago)),
        passed_over: false,
    };
    let closed = Facts {
        resolved: Some(reason),
        outage: Some(outage),
        ..facts(Event::IncidentResolved, &contact)
    };
    let wanted = matches!(decide(&closed), Decision::Send { .. });
    assert_eq!(wanted, sent, "{closed:?}");
}

#[rstest]
#[case(Event::IncidentResolved, Some(DeliveryState::Sent), None, SEND)]
#[case(Event::IncidentResolved, Some(DeliveryState::Failed), None, SEND)]
#[case(Event::IncidentResolved, Some(DeliveryState::GivenUp), None, SEND)]
#[case(
    Event::IncidentResolved,
    Some(DeliveryState::Pending),
    Some(LATER),
    HOLD
)]
#[case(
    Event::IncidentResolved,
    Some(DeliveryState::Sending),
    Some(LATER),
    HOLD
)]
#[case(Event::IncidentResolved, Some(DeliveryState::Sent), Some(LATER), HOLD)]
#[case(
    Event::IncidentResolved,
    Some(DeliveryState::Skipped),
    None,
    NOT_FOR_THEM
)]
#[case(Event::IncidentResolved, None, None, NOT_FOR_THEM)]
#[case(Event::IncidentAcknowledged, Some(DeliveryState::Failed), None, SEND)]
#[case(
    Event::IncidentAcknowledged,
    Some(DeliveryState::Pending),
    Some(LATER),
    HOLD
)]
#[case(Event::IncidentOpened, Some(DeliveryState::Sending), None, SEND)]
fn a_webhook_gets_every_event_in_order(
    #[case] event: Event,
    #[case] outage: Option<DeliveryState>,
    #[case] earlier: Option<Timestamp>,
    #[case] wanted: Decision,
) {
    let contact = Contact {
        channel: Channel::Webhook,
        ..contact()
    };
    let outage = outage.map(|state| OutageDelivery {
        state,
        may_have_arrived: false,
        next_at: LATER,
        accepted_at: None,
        passed_over: false,
    });
    let over = Facts {
        resolved: Some(ResolvedReason::Recovered),
        earlier,
        outage,
        ..facts(event, &contact)
    };
    assert_eq!(decide(&over), wanted);
}

#[rstest]
#[case(Channel::Webhook, Event::ContactTest, true)]
#[case(Channel::Slack, Event::ContactTest, true)]
#[case(Channel::Discord, Event::ContactTest, true)]
#[case(Channel::Webhook, Event::IncidentOpened, false)]
#[case(Channel::Slack, Event::TlsExpiring, false)]
#[case(Channel::Email, Event::ContactTest, false)]
#[case(Channel::Sms, Event::ContactTest, false)]
fn a_hook_is_proven_by_a_test_and_by_nothing_else(
    #[case] channel: Channel,
    #[case] event: Event,
    #[case] sent: bool,
) {
    let unproven = Contact {
        channel,
        verified_at: None,
        ..contact()
    };
    let stopped = Contact {
        channel,
        disabled_reason: Some("it is gone".into()),
        ..contact()
    };
    for contact in [unproven, stopped] {
        assert_eq!(decide(&facts(event, &contact)) == SEND, sent);
    }
}

#[rstest]
#[case(None, Some(LATER), "deleted")]
#[case(Some(()), None, "not verified")]
fn only_proven_contacts(
    #[case] exists: Option<()>,
    #[case] verified_at: Option<Timestamp>,
    #[case] reason: &str,
) {
    let contact = Contact {
        verified_at,
        ..contact()
    };
    let facts = Facts {
        contact: exists.map(|()| &contact),
        ..facts(Event::IncidentOpened, &contact)
    };
    assert!(matches!(decide(&facts), Decision::Skip(why) if why.contains(reason)));
}

#[test]
fn a_disabled_contact_and_a_lost_cause() {
    let disabled = Contact {
        disabled_reason: Some("mailbox does not exist".into()),
        ..contact()
    };
    assert!(matches!(
        decide(&facts(Event::TlsExpiring, &disabled)),
        Decision::Skip(_)
    ));
    let contact = contact();
    let lost = |lost_claims| {
        decide(&Facts {
            lost_claims,
            ..facts(Event::IncidentOpened, &contact)
        })
    };
    assert_eq!(lost(4), SEND);
    assert!(matches!(lost(5), Decision::GiveUp(_)));
}

fn called(call_on_recovery: bool) -> Contact {
    Contact {
        channel: Channel::Voice,
        call_on_recovery,
        ..contact()
    }
}

#[test]
fn nobody_is_called_about_what_somebody_has() {
    let contact = called(true);
    let open = facts(Event::IncidentOpened, &contact);
    assert_eq!(decide(&open), SEND);
    assert_eq!(
        decide(&Facts {
            taken: true,
            ..open
        }),
        Decision::Skip("somebody had it before the call")
    );
    // It may ring already: what became of it is asked, and not forgotten.
    assert_eq!(
        decide(&Facts {
            taken: true,
            may_have_arrived: true,
            ..open
        }),
        SEND
    );
}

#[rstest]
#[case(true, ResolvedReason::Recovered, DeliveryState::Delivered, true)]
#[case(false, ResolvedReason::Recovered, DeliveryState::Delivered, false)]
#[case(true, ResolvedReason::Paused, DeliveryState::Delivered, false)]
#[case(true, ResolvedReason::Recovered, DeliveryState::Superseded, false)]
#[case(true, ResolvedReason::Recovered, DeliveryState::Failed, false)]
fn a_recovery_is_called_about_where_it_was_asked_for(
    #[case] asked: bool,
    #[case] reason: ResolvedReason,
    #[case] state: DeliveryState,
    #[case] is_called: bool,
) {
    let contact = called(asked);
    let outage = OutageDelivery {
        state,
        may_have_arrived: false,
        next_at: LATER,
        accepted_at: Some(LATER),
        passed_over: false,
    };
    let facts = Facts {
        resolved: Some(reason),
        outage: Some(outage),
        ..facts(Event::IncidentResolved, &contact)
    };
    assert_eq!(matches!(decide(&facts), Decision::Send { .. }), is_called);
}

#[test]
fn nobody_is_called_about_anything_else() {
    let contact = called(true);
    for event in Event::ALL {
        let is_called = matches!(
            event,
            Event::IncidentOpened | Event::IncidentEscalated | Event::ContactTest
        );
        let decision = decide(&facts(event, &contact));
        assert_eq!(decision == SEND, is_called, "{event:?}");
    }
}

#[rstest]
#[case(DeliveryState::Sent, SEND, SEND)]
#[case(DeliveryState::Merged, SEND, SEND)]
#[case(DeliveryState::Pending, HOLD, HOLD)]
#[case(DeliveryState::Sending, HOLD, HOLD)]
#[case(DeliveryState::Held, HOLD, HOLD)]
#[case(DeliveryState::Failed, SEND, NOT_FOR_THEM)]
#[case(DeliveryState::Skipped, SEND, NOT_FOR_THEM)]
fn it_is_told_again_after_the_first_message(
    #[case] state: DeliveryState,
    #[case] step: Decision,
    #[case] reminder: Decision,
) {
    let contact = contact();
    for (event, wanted) in [
        (Event::IncidentEscalated, step),
        (Event::IncidentReminded, reminder),
    ] {
        let again = Facts {
            outage: Some(OutageDelivery {
                state,
                may_have_arrived: false,
                next_at: LATER,
                accepted_at: None,
                passed_over: false,
            }),
            ..facts(event, &contact)
        };
        assert_eq!(decide(&again), wanted, "{event:?}");
        // Once somebody has it or it is over there is nothing to repeat.
        let taken = Facts {
            taken: true,
            ..again
        };
        assert_eq!(decide(&taken), Decision::Skip(IS_TAKEN));
        let over = Facts {
            resolved: Some(ResolvedReason::Recovered),
            ..again
        };
        assert_eq!(decide(&over), Decision::Skip(IS_OVER));
    }
}

#[test]
fn a_call_is_repeated_until_somebody_has_it() {
    let contact = called(false);
    let told = OutageDelivery {
        state: DeliveryState::Failed,
        may_have_arrived: false,
        next_at: LATER,
        accepted_at: None,
        passed_over: false,
    };
    let step = Facts {
        outage: Some(told),
        ..facts(Event::IncidentEscalated, &contact)
    };
    assert_eq!(decide(&step), SEND);
    let taken = Facts {
        taken: true,
        ..step
    };
    assert!(matches!(decide(&taken), Decision::Skip(_)));
    let reminder = facts(Event::IncidentReminded, &contact);
    assert!(matches!(decide(&reminder), Decision::Skip(_)));
}

#[test]
fn in_quiet_hours_what_would_be_sent_waits_and_all_else_is_as_ever() {
    let contact = contact();
    let quiet = |event| Facts {
        quiet_until: Some(LATER),
        ..facts(event, &contact)
    };
    let waits = Decision::Quiet { until: LATER };
    assert_eq!(decide(&quiet(Event::IncidentOpened)), waits);
    assert_eq!(decide(&quiet(Event::TlsExpiring)), waits);
    assert_eq!(decide(&quiet(Event::ContactTest)), SEND);
    let over = Facts {
        resolved: Some(ResolvedReason::Recovered),
        ..quiet(Event::IncidentOpened)
    };
    assert_eq!(decide(&over), Decision::Supersede);
    // It may have been heard already: that it is said again is better than that nobody knows.
    let on_its_way = Facts {
        may_have_arrived: true,
        ..quiet(Event::IncidentOpened)
    };
    assert_eq!(decide(&on_its_way), SEND);
    assert_eq!(decide(&quiet(Event::IncidentResolved)), NOT_FOR_THEM);
}

#[test]
fn an_alert_waits_for_the_end_of_a_snooze_however_often_it_was_tried() {
    let contact = contact();
    let snoozed = |event| Facts {
        snoozed_until: Some(LATER),
        ..facts(event, &contact)
    };
    let waits = Decision::Snoozed { until: LATER };
    assert_eq!(decide(&snoozed(Event::IncidentOpened)), waits);
    assert_eq!(decide(&snoozed(Event::IncidentEscalated)), waits);
    let again = Facts {
        may_have_arrived: true,
        ..snoozed(Event::IncidentOpened)
    };
    assert_eq!(decide(&again), waits);
    let reminder = Facts {
        outage: Some(sent()),
        ..snoozed(Event::IncidentReminded)
    };
    assert_eq!(decide(&reminder), Decision::Skip(IS_SNOOZED));
    // What is no alert is told as ever.
    assert_eq!(decide(&snoozed(Event::TlsExpiring)), SEND);
    let up = Facts {
        outage: Some(sent()),
        resolved: Some(ResolvedReason::Recovered),
        ..facts(Event::IncidentResolved, &contact)
    };
    assert_eq!(decide(&up), SEND);
}

fn sent() -> OutageDelivery {
    OutageDelivery {
        state: DeliveryState::Sent,
        may_have_arrived: false,
        next_at: LATER,
        accepted_at: Some(LATER),
        passed_over: false,
    }
}

#[test]
fn who_was_passed_over_hears_of_what_is_open_and_nobody_has() {
    let contact = contact();
    let late = Facts {
        passed_over: true,
        ..facts(Event::IncidentOpened, &contact)
    };
    assert_eq!(decide(&late), SEND);
    let taken = Facts {
        taken: true,
        ..late
    };
    assert_eq!(decide(&taken), Decision::Skip(IS_TAKEN));
    let over = Facts {
        resolved: Some(ResolvedReason::Recovered),
        ..late
    };
    assert_eq!(decide(&over), Decision::Skip(IS_OVER));
    // And nothing of its end, if they never heard of it.
    let held = OutageDelivery {
        state: DeliveryState::Held,
        accepted_at: None,
        passed_over: true,
        ..sent()
    };
    let up = |outage| Facts {
        outage: Some(outage),
        resolved: Some(ResolvedReason::Recovered),
        ..facts(Event::IncidentResolved, &contact)
    };
    assert_eq!(decide(&up(held)), NOT_FOR_THEM);
    let told = OutageDelivery {
        passed_over: true,
        ..sent()
    };
    assert_eq!(decide(&up(told)), SEND);
}

#[test]
fn a_step_that_repeats_what_waits_for_the_morning_is_left_out() {
    let contact = contact();
    let held = OutageDelivery {
        state: DeliveryState::Held,
        accepted_at: None,
        ..sent()
    };
    let again = Facts {
        outage: Some(held),
        quiet_until: Some(LATER),
        ..facts(Event::IncidentEscalated, &contact)
    };
    assert_eq!(decide(&again), Decision::Skip(WAITS));
}
