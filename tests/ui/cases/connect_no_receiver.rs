use whatsapp_signals::Signal;

static TICK: Signal<u32> = Signal::new("tick");

fn main() {
    TICK.connect(9).detach();
}
