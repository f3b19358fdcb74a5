use whatsapp_signals::{Signal, receiver};

static TICK: Signal<u32> = Signal::new("tick");

trait Api: Send + Sync {}

#[receiver(TICK)]
async fn log(_event: &u32, _api: &impl Api) {}

fn main() {}
