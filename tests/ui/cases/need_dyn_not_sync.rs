use whatsapp_signals::{Signal, receiver};

static TICK: Signal<u32> = Signal::new("tick");

trait Api {}

#[receiver(TICK)]
fn log(_event: &u32, _api: &dyn Api) {}

fn main() {}
