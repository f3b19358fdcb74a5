use whatsapp_signals::{Signal, receiver};

static TICK: Signal<u32> = Signal::new("tick");

#[receiver(TICK)]
fn log(_event: &u32) -> Result<u32, String> {
    Ok(1)
}

fn main() {}
