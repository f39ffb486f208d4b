//! What is not of the same size, for the script's test of itself.

fn main() {
    let request = std::env::args().nth(1).unwrap_or_default();
    println!("{:?}", request.parse::<f64>());
}
