// The gradient of a depthwise convolution's weight: products of `dy` and `x`, channel by channel, summed over `span` lines of
// output pixels. A thread has one channel group and ${rows} by ${columns} adjacent taps, in which it slides along the lines, ${np} pixels
// at a time. With one column it may be any tap, else columns are not dilated.
#set texels = (np - 1) * stride + columns if columns > 1 else np
#set carried = [columns - stride, 0] | max if columns > 1 else 0

#include "live"
#include "element"
#include "weight"

@group(0) @binding(2) var<storage, read> x: array<vec4f>;
@group(0) @binding(3) var<storage, read> dy: array<vec4f>;
// For each run of lines `[channel group][tap][4 channels]`.
@group(0) @binding(4) var<storage, read_write> y: array<vec4f>;

#include "weight_texels"

@compute @workgroup_size(64)
fn main(
    @builtin(global_invocation_id) id: vec3u,
    @builtin(num_workgroups) grid: vec3u,
) {
    let taps = p.kernel_height * p.kernel_width;
#if rows > 1
    let tasks = 1u;
#elif columns > 1
    let tasks = p.kernel_height;
#else
    let tasks = taps;
#endif
    let mine = share(id.x + id.z * grid.x * 64u, tasks);
    if (mine.part >= p.spans) {
        return;
    }
#if columns > 1
    let first_tap = mine.task * ${columns}u;
    let ky = mine.task;
    let left = 0u - p.pad_left;
    let stride = ${stride}u;
#else
    let first_tap = mine.task;
    let ky = quotient(first_tap, p.kernel_width);
    let left = (first_tap - ky * p.kernel_width) * p.dilation_x - p.pad_left;
    let stride = p.stride_x;
#endif
    let x_base = mine.block * p.x_group;
    let dy_base = mine.block * p.dy_group;
#for r in range(rows)
#for k in range(columns)
    var a${r}_${k} = vec4f(0.0);
#endfor
#endfor
    let start = mine.part * p.span;
    var step = 0u;
    loop {
        // The last run may be shorter: what would be behind it counts as outside of the input.
        let line = min(start + step, p.lines - 1u);
        let image = quotient(line, p.out_height);
        let oy = line - image * p.out_height;
        let dy_row = dy_base + image * p.dy_image + oy * p.out_width * p.dy_column;
#for r in range(rows)
        // Unsigned coordinates wrap below 0, so that one comparison tells inside from outside.
        let iy${r} = oy * p.stride_y + (ky + ${r}u) * p.dilation_y - p.pad_top;
        let inside${r} = iy${r} < p.in_height && start + step < p.lines;
        let row${r} = x_base + image * p.x_image + select(0u, iy${r}, inside${r}) * p.in_width * p.x_column;
#for t in range(carried)
        var x${r}_${t} = input(row${r}, inside${r}, left + ${t}u);
#endfor
#endfor
        var ox = 0u;
        loop {
            let ix = ox * stride + left;
#for n in range(np)
            let d${n} = output(dy_row, ox + ${n}u);
#endfor
#for r in range(rows)
#for t in range(carried, texels)
            let x${r}_${t} = input(row${r}, inside${r}, ix + ${t}u${"" if columns > 1 else " * stride"});
#endfor
#for k in range(columns)
            a${r}_${k} = a${r}_${k}{% for n in range(np) %} + d${n} * x${r}_${n * stride + k if columns > 1 else n}{% endfor %};
#endfor
#for t in range(carried)
            x${r}_${t} = x${r}_${np * stride + t};
#endfor
#endfor
            continuing { ox += ${np}u; break if ox >= p.out_width; }
        }
        continuing { step++; break if step >= p.span; }
    }
    let at = (mine.part * p.blocks + mine.block) * taps + first_tap;
#for r in range(rows)
#for k in range(columns)
    y[at + ${r * columns + k}u] = a${r}_${k};
#endfor
#endfor
}
