//! Bodies with any number of messages.

use whatsapp_signals::{model::Timestamp, testing};

/// Returns a body with these messages of one user, each of its own wamid.
pub(crate) fn messages(numbers: std::ops::Range<usize>) -> Vec<u8> {
    let message = |number: usize| {
        let text = testing::text(&format!("Number {number}")).without_contact();
        let text = text.waba("900").to_number("300", "15550100200");
        let second = 1_785_000_000 + i64::try_from(number).expect("a second");
        text.id(&format!("wamid.{number}"))
            .at(Timestamp::from_secs(second))
    };
    testing::batch(numbers.map(message)).body()
}
