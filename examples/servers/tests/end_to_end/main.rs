//! The servers as processes, and real HTTP to them: who gets in, and that
//! nothing is lost or handled twice, however they end.

use scenarios::*;
use telemetry::*;

mod meta;
mod scenarios;
mod server;
mod telemetry;

macro_rules! for_each_server {
    ($($server:ident)+: $($scenario:ident)+) => {
        for_each_server! { @each [$($scenario)+] $($server)+ }
    };
    (@each $scenarios:tt $($server:ident)+) => { $(for_each_server! { @one $scenarios $server })+ };
    (@one [$($scenario:ident)+] $server:ident) => {
        mod $server {
            const BINARY: &str = env!(concat!("CARGO_BIN_EXE_", stringify!($server)));
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $scenario() {
                    crate::$scenario(BINARY).await;
                }
            )+
        }
    };
}

for_each_server! {
    axum actix:
        the_handshake_answers_whoever_knows_the_token
        only_what_meta_signed_is_received
        a_redelivered_webhook_is_received_once_also_after_a_restart
        three_mebibytes_are_received
        what_is_too_large_is_refused_and_harms_nobody
        a_signed_body_that_is_no_webhook_is_kept_and_not_repeated
        what_a_receiver_failed_on_is_asked_for_again
        a_health_check_shows_the_backlog_and_fails_with_the_store
        slow_receivers_keep_no_answer_waiting
        three_messages_of_a_user_at_once_are_handled_in_order
        an_erased_user_is_not_handled_any_more
        a_thousand_at_once_are_each_received_once
        a_stop_under_load_loses_nothing_and_repeats_nothing
        what_has_begun_is_answered_and_who_never_ends_is_left
        a_kill_under_load_loses_nothing_and_repeats_nothing_that_was_answered
        a_missing_setting_is_named
        a_scrape_has_counts_times_and_the_backlog
        a_collector_gets_the_receiver_in_the_event_in_the_webhook
}
