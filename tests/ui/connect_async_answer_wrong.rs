use whatsapp_signals::Signal;

fn main() {
    let priced: Signal<u32, u64> = Signal::answering("priced");
    let _connection = priced.connect(async |pieces: &u32| pieces.to_string());
}
