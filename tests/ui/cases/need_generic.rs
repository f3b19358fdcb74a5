use whatsapp_signals::{Signal, receiver};

static TICK: Signal<u32> = Signal::new("tick");

trait Api: Send + Sync {}

#[receiver(TICK)]
fn log<A: Api>(_event: &u32, _api: &A) {}

fn main() {}
