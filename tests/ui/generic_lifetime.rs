use whatsapp_signals::{Signal, receiver};

static TICK: Signal<u32> = Signal::new("tick");

static NAME: Signal<std::borrow::Cow<'static, str>> = Signal::new("name");

#[receiver(NAME)]
fn log<'a>(event: &std::borrow::Cow<'a, str>) {
    println!("{event}");
}

fn main() {}
