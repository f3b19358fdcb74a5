use whatsapp_signals::Context;

fn main() {
    let _context = Context::new().with(std::rc::Rc::new(7));
}
