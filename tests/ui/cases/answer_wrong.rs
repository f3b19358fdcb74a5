use whatsapp_signals::{Signal, receiver};

static PRICED: Signal<u32, u64> = Signal::with_responses("priced");

#[receiver(PRICED)]
fn price(pieces: &u32) -> Result<String, std::fmt::Error> {
    Ok(pieces.to_string())
}

#[receiver(PRICED)]
async fn price_later(pieces: &u32) -> u32 {
    *pieces
}

fn main() {}
