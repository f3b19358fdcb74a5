use whatsapp_signals::{Signal, receiver};

static TICK: Signal<u32> = Signal::new("tick");

trait Api: Send + Sync {}

#[receiver(TICK)]
fn log(_event: &u32, _api: impl Api + Clone) {}

fn main() {}
