// What all chains share, see src/kernels/chain/mod.rs: work is taken off counters ticket by ticket.
struct Work {
    grid: vec3u,
    pieces: u32,
    // Pieces of each of the first tickets, of which there are `head.z`, and of the others.
    first: u32,
    ticket: u32,
    tickets: u32,
}
@group(0) @binding(0) var<storage, read> live: array<u32>;
@group(0) @binding(1) var<uniform> chain: Chain;
@group(0) @binding(2) var<storage, read_write> counters: array<atomic<u32>>;

fn quotient(a: u32, b: u32) -> u32 {
    let guess = u32(f32(a) / f32(b));
    let rest = bitcast<i32>(a - guess * b);
    return select(select(guess, guess + 1u, rest >= bitcast<i32>(b)), guess - 1u, rest < 0);
}

// The first piece of a ticket, or the end of the one before.
fn first_piece(w: Work, ticket: u32) -> u32 {
    let first = min(ticket, chain.head.z);
    return min(first * w.first + (ticket - first) * w.ticket, w.pieces);
}

// The workgroup that a piece belongs to.
fn place(w: Work, at: u32) -> vec3u {
    let row = quotient(at, w.grid.x);
    let plane = quotient(row, w.grid.y);
    return vec3u(at - row * w.grid.x, row - plane * w.grid.y, plane);
}

// The workgroup behind another one.
fn next_place(w: Work, id: vec3u) -> vec3u {
    let wraps = id.x + 1u == w.grid.x;
    let y = select(id.y, id.y + 1u, wraps);
    let turns = y == w.grid.y;
    return vec3u(select(id.x + 1u, 0u, wraps), select(y, 0u, turns), select(id.z, id.z + 1u, turns));
}

// A ticket for the next pieces of work.
fn take(counter: u32, lane: u32, patience: u32) -> u32 {
    var ticket = 0xffffffffu;
    if (lane == 0u && patience != 0u) {
        ticket = atomicAdd(&counters[counter], 1u);
    }
    return subgroupBroadcastFirst(ticket);
}

// What patience is left when all tickets are finished: 0 where they are not.
fn wait(counter: u32, tickets: u32, patience: u32) -> u32 {
    var left = max(patience, 1u);
    var finished = 0u;
    loop {
        // An exchange is no load that a compiler could move.
        finished = subgroupBroadcastFirst(atomicOr(&counters[counter], 0u));
        continuing {
            left--;
            break if finished >= tickets || left == 0u;
        }
    }
    return select(0u, max(left, 1u), patience != 0u && finished >= tickets);
}
