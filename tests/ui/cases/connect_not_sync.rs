use whatsapp_signals::Signal;

static TICK: Signal<u32> = Signal::new("tick");

fn main() {
    let seen = std::rc::Rc::new(1);
    TICK.connect(move |_: &u32| println!("{seen}")).detach();
}
