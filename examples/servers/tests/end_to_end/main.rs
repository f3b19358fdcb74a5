//! The servers as processes, with HTTP requests: authentication, and no lost or repeated events
//! after stops and kills.

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
        the_handshake_requires_the_token
        only_signed_bodies_are_received
        a_redelivered_webhook_is_received_once_also_after_a_restart
        three_mebibytes_are_received
        too_large_bodies_are_refused
        a_signed_body_that_is_no_webhook_is_stored_once
        a_failed_receiver_is_retried
        a_health_check_shows_the_backlog_and_fails_with_the_store
        slow_receivers_delay_no_answer
        three_messages_of_a_user_at_once_are_handled_in_order
        events_of_an_erased_user_are_not_delivered
        a_thousand_at_once_are_each_received_once
        a_stop_under_load_loses_and_repeats_no_event
        a_stop_answers_complete_requests_and_drops_incomplete_ones
        a_kill_under_load_loses_no_event_and_repeats_no_answered_one
        a_missing_setting_is_named
        a_scrape_has_counts_times_and_the_backlog
        a_collector_gets_the_receiver_in_the_event_in_the_webhook
}
