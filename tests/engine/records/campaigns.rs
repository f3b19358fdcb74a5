//! Campaigns, their messages and their completion.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use super::*;
use crate::support::engines::engine_over;
use crate::support::stores::scaled;
use whatsapp_signals::event::{CampaignCompleted, MessageRefused, WebhookEvent};
use whatsapp_signals::model::{Account, Campaign, CampaignCounts, CampaignStatus};
use whatsapp_signals::signals::{CAMPAIGN_COMPLETED, MESSAGE_REFUSED, MESSAGE_SENT};
use whatsapp_signals::{ConnectOptions, EngineErrorKind};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const YEARS: Duration = Duration::from_secs(10 * 365 * 24 * 60 * 60);

/// Returns a campaign that is running.
fn spring(total: u64) -> Campaign {
    let mut campaign = Campaign::new("Spring tune-up").with_id("spring");
    campaign.status = CampaignStatus::Running;
    campaign.counts.total = total;
    campaign
}

/// Returns whether the campaign is completed by it.
fn save(engine: &Engine, campaign: &Campaign) -> bool {
    engine.account(&account()).save_campaign(campaign).unwrap()
}

/// Returns the number of campaigns that are completed.
fn complete(engine: &Engine, after: Duration) -> usize {
    engine.complete_campaigns(after).unwrap().delivered()
}

fn stored(engine: &Engine) -> Campaign {
    let found = engine.account(&account()).campaign("spring").unwrap();
    found.expect("the campaign")
}

fn sent_at(id: &str, seconds: i64) -> MessageSent {
    let message = Message::outbound(id, phone("15550101001"), Content::text("An offer"));
    let message = message.timestamp(Timestamp::from_secs(seconds));
    MessageSent::new(message.build()).with_account(account())
}

fn sent(id: &str) -> MessageSent {
    sent_at(id, 1_785_000_000)
}

fn refused(trace: &str) -> MessageRefused {
    let request = r#"{"to": "15550101001", "text": {"body": "An offer"}}"#;
    let response = format!(r#"{{"error": {{"code": 131049, "fbtrace_id": "{trace}"}}}}"#);
    let refused = MessageRefused::from_graph_error(request, response);
    refused.unwrap().unwrap().with_account(account())
}

/// Sends messages of the campaign.
fn send_all(engine: &Engine, ids: &[&str]) {
    for id in ids {
        let outcome = engine
            .process_sent(sent(id).with_campaign("spring"))
            .unwrap();
        assert!(!outcome.should_retry());
    }
}

fn change_status(engine: &Engine, id: &str, status: MessageStatus) {
    let body = match status {
        MessageStatus::Failed => testing::failed(id, 131_049, "Not delivered").body(),
        status => testing::sent(id).set("/status", status.as_str()).body(),
    };
    process(engine, &body);
}

/// Returns counts; `failed` has those that Meta refused and those that it could not deliver.
fn counts(total: u64, sent: u64, delivered: u64, read: u64, failed: [u64; 2]) -> CampaignCounts {
    let [refused, lost] = failed;
    CampaignCounts {
        total,
        sent,
        delivered,
        read,
        failed: refused + lost,
        refused,
    }
}

/// Returns the engine with a receiver of completed campaigns, and those that it has received.
fn with_completed(engine: Engine) -> (Engine, Receiver<CampaignCompleted>) {
    let (sender, seen) = channel();
    let context = Context::new().only_own_receivers();
    context.connect(&CAMPAIGN_COMPLETED, move |event: &CampaignCompleted| {
        let _ = sender.send(event.clone());
    });
    (engine.context(context), seen)
}

#[test]
fn a_campaign_has_the_counts_of_its_messages() {
    use MessageStatus::{Delivered, Failed, Read, Sent};

    with_each_store(|engine| {
        save(&engine, &spring(6));
        // A status that comes first, some twice and some out of order.
        change_status(&engine, "wamid.A", Read);
        send_all(
            &engine,
            &["wamid.A", "wamid.B", "wamid.C", "wamid.D", "wamid.D"],
        );
        for status in [Delivered, Sent, Delivered] {
            change_status(&engine, "wamid.B", status);
        }
        change_status(&engine, "wamid.C", Failed);
        let refusal = refused("A").with_campaign("spring");
        assert_eq!(
            engine
                .process_refused(refusal.clone())
                .unwrap()
                .duplicates(),
            0
        );
        assert_eq!(engine.process_refused(refusal).unwrap().duplicates(), 1);
        // Messages of no campaign and of another one.
        assert!(!engine.process_sent(sent("wamid.E")).unwrap().should_retry());
        let other = sent("wamid.F").with_campaign("autumn");
        assert!(!engine.process_sent(other).unwrap().should_retry());
        change_status(&engine, "wamid.E", Read);
        assert_eq!(stored(&engine).counts, counts(6, 4, 2, 1, [1, 1]));

        let found = records(&engine).message(&"wamid.A".into()).unwrap();
        assert_eq!(found.unwrap().status, Some(Read));
        let found = engine.messages(&"wamid.A".into()).unwrap();
        assert_eq!(found[0].campaign, Some("spring".into()));
        // Its echo, as the same message of the app would come.
        let echo = testing::text("An offer").id("wamid.A").echo();
        process(&engine, &echo.body());
        assert_eq!(stored(&engine).counts, counts(6, 4, 2, 1, [1, 1]));
    });
}

#[test]
fn campaigns_of_tenants_are_separate_and_ordered() {
    with_each_store(|engine| {
        let other = Account::new("2").with_number("302", "302");
        let names = |records: &Records<'_, _>| {
            let found: Vec<Campaign> = records.campaigns().unwrap();
            let of = found
                .into_iter()
                .map(|found| (found.name, found.counts.sent));
            of.collect::<Vec<_>>()
        };
        save(&engine, &spring(1));
        save(&engine, &Campaign::new("Autumn"));
        let theirs = engine.account(&other);
        let campaign = Campaign::new("Theirs").with_id("spring");
        assert!(!theirs.save_campaign(&campaign).unwrap());
        send_all(&engine, &["wamid.A"]);
        let sent = sent("wamid.A")
            .with_campaign("spring")
            .with_account(other.clone());
        assert!(!engine.process_sent(sent).unwrap().should_retry());
        let ours = engine.account(&account());
        let expected = [("Autumn".to_owned(), 0), ("Spring tune-up".to_owned(), 1)];
        assert_eq!(names(&ours), expected);
        assert_eq!(names(&theirs), [("Theirs".to_owned(), 1)]);
        assert_eq!(engine.tenant("3").campaign("spring").unwrap(), None);
        assert!(engine.number("unknown").campaigns().unwrap().is_empty());
    });
}

#[test]
fn a_campaign_that_is_not_saved_is_added_as_running() {
    with_each_store(|engine| {
        let refusal = refused("A").with_campaign("spring");
        assert!(!engine.process_refused(refusal).unwrap().should_retry());
        send_all(&engine, &["wamid.A"]);
        let added = stored(&engine);
        assert_eq!(
            (added.name.as_str(), added.status),
            ("spring", CampaignStatus::Running)
        );
        assert_eq!(added.counts, counts(0, 1, 0, 0, [1, 0]));
        // Its total is not known.
        change_status(&engine, "wamid.A", MessageStatus::Read);
        assert_eq!(complete(&engine, YEARS), 0);
        save(&engine, &spring(2));
        assert_eq!(stored(&engine).counts, counts(2, 1, 1, 1, [1, 0]));
    });
}

#[test]
fn a_saved_campaign_that_is_completed_is_one_event_with_its_counts() {
    with_each_store(|engine| {
        let (engine, seen) = with_completed(engine);
        save(&engine, &spring(2));
        send_all(&engine, &["wamid.A", "wamid.B"]);
        change_status(&engine, "wamid.A", MessageStatus::Read);
        assert!(seen.try_recv().is_err(), "it is running");

        let mut campaign = stored(&engine);
        campaign.status = CampaignStatus::Completed;
        // Counts of the program do not matter.
        campaign.counts.sent = 99;
        assert!(save(&engine, &campaign));
        let event = seen.try_recv().unwrap();
        assert_eq!(event.campaign.counts, counts(2, 2, 1, 1, [0, 0]));
        assert!(event.campaign.completed_at.is_some());
        assert_eq!(event.campaign, stored(&engine));

        campaign.name = "Spring".to_owned();
        assert!(!save(&engine, &campaign));
        assert!(seen.try_recv().is_err(), "it was completed before");
        assert_eq!(stored(&engine).name, "Spring");
        assert_eq!(stored(&engine).counts, counts(2, 2, 1, 1, [0, 0]));

        // Statuses go on to count, and it may be opened again.
        change_status(&engine, "wamid.B", MessageStatus::Delivered);
        assert_eq!(stored(&engine).counts, counts(2, 2, 2, 1, [0, 0]));
        for total in [3, 3] {
            save(&engine, &spring(total));
            save(&engine, &campaign);
            assert_eq!(seen.try_iter().count(), 1, "it is completed again");
        }
    });
}

#[test]
fn a_campaign_that_is_saved_as_completed_is_an_event() {
    with_each_store(|engine| {
        let (engine, seen) = with_completed(engine);
        let mut campaign = spring(7);
        campaign.status = CampaignStatus::Completed;
        save(&engine, &campaign);
        let event = seen.try_recv().unwrap();
        assert_eq!(event.campaign.counts, counts(7, 0, 0, 0, [0, 0]));
        assert_eq!(stored(&engine).status, CampaignStatus::Completed);
    });
}

#[test]
fn a_campaign_is_completed_when_it_is_over() {
    use CampaignStatus::{Completed, Draft, Failed, Paused, Running, Scheduled};

    with_each_store(|engine| {
        let (engine, seen) = with_completed(engine);
        save(&engine, &spring(3));
        let complete = |after| complete(&engine, after);
        assert_eq!(complete(Duration::ZERO), 0, "nothing is sent");
        let now = Timestamp::now().as_secs();
        for (id, at) in [("wamid.A", now - 9), ("wamid.B", now - 2 * 60)] {
            let sent = sent_at(id, at).with_campaign("spring");
            assert!(!engine.process_sent(sent).unwrap().should_retry());
        }
        assert_eq!(complete(Duration::from_secs(60)), 0, "one is not sent");
        let refusal = refused("A").with_campaign("spring");
        assert!(!engine.process_refused(refusal).unwrap().should_retry());
        assert_eq!(
            complete(Duration::from_secs(60)),
            0,
            "one was sent just now"
        );
        change_status(&engine, "wamid.A", MessageStatus::Read);
        assert_eq!(complete(Duration::from_secs(60)), 0, "one is not read");
        for status in [Draft, Scheduled, Paused, Failed] {
            let mut campaign = spring(3);
            campaign.status = status.clone();
            save(&engine, &campaign);
            assert_eq!(complete(Duration::ZERO), 0, "{status:?}");
        }
        save(&engine, &spring(3));
        assert_eq!(complete(Duration::from_secs(5)), 1, "the last one is old");
        assert_eq!(stored(&engine).status, Completed);
        assert_eq!(
            seen.try_recv().unwrap().campaign.counts,
            counts(3, 2, 1, 1, [1, 0])
        );

        change_status(&engine, "wamid.B", MessageStatus::Failed);
        assert_eq!(complete(Duration::ZERO), 0, "it is completed");
        let mut again = stored(&engine);
        again.status = Running;
        save(&engine, &again);
        assert_eq!(complete(DAY), 1, "each is read or failed");
        assert_eq!(
            seen.try_recv().unwrap().campaign.counts,
            counts(3, 2, 1, 1, [1, 1])
        );
    });
}

#[test]
fn a_completed_campaign_keeps_its_counts_when_messages_go() {
    with_each_store(|engine| {
        save(&engine, &spring(2));
        send_all(&engine, &["wamid.A", "wamid.B"]);
        change_status(&engine, "wamid.A", MessageStatus::Read);
        assert_eq!(complete(&engine, DAY), 1, "they are old");
        assert_eq!(engine.prune_messages(Duration::ZERO).unwrap(), 2);
        assert_eq!(stored(&engine).counts, counts(2, 2, 1, 1, [0, 0]));
        let mut campaign = stored(&engine);
        campaign.name = "Spring".to_owned();
        save(&engine, &campaign);
        assert_eq!(stored(&engine).counts, counts(2, 2, 1, 1, [0, 0]));
    });
}

/// Connects a receiver that fails while the flag is set.
fn connect_failing<E: Clone + Send + 'static>(
    context: &Context,
    signal: &'static whatsapp_signals::Signal<E>,
    fails: &Arc<AtomicBool>,
) -> Receiver<E> {
    let (sender, seen) = channel();
    let fails = Arc::clone(fails);
    let options = ConnectOptions::new().uid(signal.name());
    let receive = move |event: &E| {
        let _ = sender.send(event.clone());
        if fails.load(Ordering::Relaxed) {
            return Err(std::io::Error::other("not yet"));
        }
        Ok(())
    };
    context.connect_with(signal, options, receive).unwrap();
    seen
}

#[test]
fn events_of_the_program_are_retried_and_become_dead_letters() {
    with_each_store(|engine| {
        let context = Context::new().only_own_receivers();
        let fails = Arc::new(AtomicBool::new(true));
        let sent_seen = connect_failing(&context, &MESSAGE_SENT, &fails);
        let refused_seen = connect_failing(&context, &MESSAGE_REFUSED, &fails);
        let completed_seen = connect_failing(&context, &CAMPAIGN_COMPLETED, &fails);
        let taken = || {
            let counts = [
                sent_seen.try_iter().count(),
                refused_seen.try_iter().count(),
                completed_seen.try_iter().count(),
            ];
            counts.into_iter().sum::<usize>()
        };
        let engine = engine.context(context).max_attempts(3);
        save(&engine, &spring(2));
        let event = sent("wamid.A").with_campaign("spring");
        assert_eq!(engine.process_sent(event.clone()).unwrap().failed(), 1);
        let refusal = refused("A").with_campaign("spring");
        assert_eq!(engine.process_refused(refusal.clone()).unwrap().failed(), 1);
        assert_eq!(engine.complete_campaigns(DAY).unwrap().failed(), 1);
        assert_eq!(taken(), 3);
        // The messages and campaigns are stored, although the receivers fail.
        assert_eq!(stored(&engine).counts, counts(2, 1, 0, 0, [1, 0]));
        assert_eq!(stored(&engine).status, CampaignStatus::Completed);

        assert_eq!(engine.retry_unfinished().unwrap().failed(), 3);
        assert_eq!(engine.retry_unfinished().unwrap().dead_lettered(), 3);
        assert_eq!(taken(), 6);
        let letters = engine.dead_letters(9).unwrap();
        let mut names: Vec<_> = letters
            .iter()
            .map(|letter| letter.event.as_ref().map(WebhookEvent::name))
            .collect();
        names.sort_unstable();
        let expected = ["campaign_completed", "message_refused", "message_sent"];
        assert_eq!(names, expected.map(Some));

        fails.store(false, Ordering::Relaxed);
        for letter in &letters {
            assert!(engine.requeue(&letter.key).unwrap());
        }
        assert_eq!(engine.retry_unfinished().unwrap().failed(), 0);
        assert_eq!(taken(), 3);
        assert_eq!(engine.process_sent(event).unwrap().duplicates(), 1);
        assert_eq!(engine.process_refused(refusal).unwrap().duplicates(), 1);
        assert_eq!(stored(&engine).counts, counts(2, 1, 0, 0, [1, 0]));
    });
}

#[test]
fn engines_that_complete_a_campaign_at_once_store_one_event() {
    with_each_store(|engine| {
        let (engine, seen) = with_completed(engine);
        for _ in 0..scaled(20) {
            save(&engine, &spring(1));
            send_all(&engine, &["wamid.A"]);
            std::thread::scope(|scope| {
                for by_save in [true, false, true] {
                    let engine = &engine;
                    scope.spawn(move || {
                        if by_save {
                            let mut campaign = spring(1);
                            campaign.status = CampaignStatus::Completed;
                            save(engine, &campaign);
                        } else {
                            complete(engine, DAY);
                        }
                    });
                }
            });
            assert_eq!(engine.retry_unfinished().unwrap().failed(), 0);
            assert_eq!(seen.try_iter().count(), 1);
            assert_eq!(stored(&engine).status, CampaignStatus::Completed);
        }
    });
}

#[test]
fn a_message_from_a_queue_needs_its_account() {
    with_each_store(|engine| {
        let (mut sent_event, mut refusal) = (sent("wamid.A"), refused("A"));
        sent_event.account = None;
        refusal.account = None;
        for event in [WebhookEvent::from(sent_event), refusal.into()] {
            let key = event.dedup_key();
            let error = engine.process_event(&key, event).unwrap_err();
            assert!(
                matches!(error.kind(), EngineErrorKind::NoAccount),
                "{error}"
            );
        }
        // A queue may bring the events of the program as those of webhooks.
        let event = WebhookEvent::from(sent("wamid.A").with_campaign("spring"));
        let json = event.to_json().unwrap();
        let read = WebhookEvent::from_json(json.as_bytes()).unwrap();
        assert_eq!(read, event);
        let outcome = engine.process_event(&event.dedup_key(), read).unwrap();
        assert_eq!(outcome.duplicates(), 0);
        assert_eq!(
            engine.process_sent(sent("wamid.A")).unwrap().duplicates(),
            1
        );
        assert_eq!(stored(&engine).counts, counts(0, 1, 0, 0, [0, 0]));
    });
}

#[test]
fn a_receiver_may_send_to_its_user_in_order() {
    with_each_store(|engine| {
        let context = Context::new().only_own_receivers();
        let store = Arc::clone(engine.store());
        let inner = Arc::new(engine_over(store).context(context.clone()).in_order(true));
        let answering = Arc::clone(&inner);
        let (sender, seen) = channel();
        let answered = sender.clone();
        context.connect(
            &whatsapp_signals::signals::MESSAGE_RECEIVED,
            move |_: &MessageReceived| {
                let outcome = answering.process_sent(sent("wamid.ANSWER")).unwrap();
                assert_eq!(outcome.failed(), 0);
                let _ = answered.send("received");
            },
        );
        context.connect(&MESSAGE_SENT, move |_: &MessageSent| {
            let _ = sender.send("sent");
        });
        let engine = engine.context(context).in_order(true);
        process(&engine, &text().body());
        assert_eq!(engine.retry_unfinished().unwrap().failed(), 0);
        assert_eq!(seen.try_iter().collect::<Vec<_>>(), ["received", "sent"]);
    });
}
