// Sums over a workgroup of 64 threads, always in the same order.

var<workgroup> partial: array<vec4f, 64>;

// The sum of what all threads bring. Every thread has to call it.
fn total(thread: u32, mine: vec4f) -> vec4f {
    partial[thread] = mine;
#for half in [32, 16, 8, 4, 2, 1]
    workgroupBarrier();
    if (thread < ${half}u) {
        partial[thread] += partial[thread + ${half}u];
    }
#endfor
    workgroupBarrier();
    let sum = partial[0];
    // Nobody may overwrite what others have yet to read.
    workgroupBarrier();
    return sum;
}
