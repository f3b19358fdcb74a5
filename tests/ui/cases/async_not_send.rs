use std::rc::Rc;

use whatsapp_signals::{Signal, receiver};

static TICK: Signal<u32> = Signal::new("tick");

#[receiver(TICK)]
async fn log(_event: &u32) {
    let shared = Rc::new(1);
    wait().await;
    drop(shared);
}

async fn wait() {}

fn main() {}
