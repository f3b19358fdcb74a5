use whatsapp_signals::Signal;

static TICK: Signal<u32> = Signal::new("tick");

fn main() {
    TICK.connect(|event: &u32| event + 1).detach();
}
