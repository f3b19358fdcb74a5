use std::error::Error;

use whatsapp_signals::{Signal, receiver};

static TICK: Signal<u32> = Signal::new("tick");

#[receiver(TICK)]
fn count(_tick: &u32) -> Result<(), Box<dyn Error>> {
    Ok(())
}

fn main() {}
