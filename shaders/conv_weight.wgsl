// The gradient of a convolution's weight: products of `dy` and `x`, summed over `span` lines of output pixels (those of all
// images in one sequence). A thread has ${kg} output groups, one input group and ${columns} adjacent taps of a kernel row, in which
// it slides along the lines, ${np} pixels at a time. With one column it may be any tap, else columns are not dilated.
// With a subgroup size, lanes read different texels of `dy` and broadcast them, see "conv_dense": they have the same
// outputs and lines. Otherwise every thread is by itself.
#set texels = (np - 1) * stride + columns if columns > 1 else np
#set carried = [columns - stride, 0] | max if columns > 1 else 0
#set lane_names = "xyzw"
#if subgroup
#set shared = subgroup // kg
#endif

#include "live"
#include "element"

#include "weight"

@group(0) @binding(2) var<storage, read> x: array<vec4f>;
@group(0) @binding(3) var<storage, read> dy: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> y: array<vec4f>;

#include "weight_texels"

@compute @workgroup_size(${workgroup})
fn main(
    @builtin(workgroup_id) id: vec3u,
    @builtin(num_workgroups) grid: vec3u,
#if subgroup
    @builtin(subgroup_invocation_id) lane: u32,
#else
    @builtin(local_invocation_index) lane: u32,
#endif
) {
    let in_groups = (p.channels + 3u) / 4u;
    let taps = p.kernel_height * p.kernel_width;
#if columns > 1
    let rows = p.kernel_height;
#else
    let rows = taps;
#endif
    let tasks = in_groups * rows;
#if subgroup
    let wanted = id.x * ${subgroup}u + lane;
    let exists = wanted < tasks;
    let task = min(wanted, tasks - 1u);
    let block = id.y;
    let part = id.z;
#else
    let mine = share((id.x + id.z * grid.x) * ${workgroup}u + lane, tasks);
    let task = mine.task;
    let block = mine.block;
    let part = mine.part;
    let exists = part < p.spans;
    if (!exists) {
        return;
    }
#endif
    let group = quotient(task, rows);
#if columns > 1
    let ky = task - group * rows;
    let first_tap = ky * ${columns}u;
    let left = 0u - p.pad_left;
    let stride = ${stride}u;
#else
    let first_tap = task - group * rows;
    let ky = quotient(first_tap, p.kernel_width);
    let left = (first_tap - ky * p.kernel_width) * p.dilation_x - p.pad_left;
    let stride = p.stride_x;
#endif
    let x_base = (quotient(block, p.group_blocks) * in_groups + group) * p.x_group;
    let first_group = block * ${kg}u;
#if subgroup
    let pixel = lane / ${kg}u;
    let dy_base = min(first_group + lane % ${kg}u, p.out_groups - 1u) * p.dy_group;
#else
#for q in range(kg)
    let dy_base${q} = min(first_group + ${q}u, p.out_groups - 1u) * p.dy_group;
#endfor
#endif

#for o in range(4 * kg)
#for k in range(columns)
    var a${o}_${k} = vec4f(0.0);
#endfor
#endfor
    // Loops test at their end, see "conv_dense"; all threads go through them equally often, since SwiftShader goes on in
    // threads that are done.
    let start = part * p.span;
    var step = 0u;
    loop {
        // The last run may be shorter: what would be behind it counts as outside of the input.
        let line = min(start + step, p.lines - 1u);
        let image = quotient(line, p.out_height);
        let oy = line - image * p.out_height;
        // Unsigned coordinates wrap below 0, so that one comparison tells inside from outside.
        let iy = oy * p.stride_y + ky * p.dilation_y - p.pad_top;
        let inside = iy < p.in_height && start + step < p.lines;
        let row = x_base + image * p.x_image + select(0u, iy, inside) * p.in_width * p.x_column;
        let dy_row = image * p.dy_image + oy * p.out_width * p.dy_column;
#for t in range(carried)
        var x${t} = input(row, inside, left + ${t}u);
#endfor
        var ox = 0u;
        loop {
#if subgroup
#for j in range((np + shared - 1) // shared)
            let v${j} = output(dy_base + dy_row, ox + ${j * shared}u + pixel);
#endfor
#for n in range(np)
#for q in range(kg)
            let d${n}_${q} = subgroupBroadcast(v${n // shared}, ${n % shared * kg + q}u);
#endfor
#endfor
#else
#for n in range(np)
#for q in range(kg)
            let d${n}_${q} = output(dy_base${q} + dy_row, ox + ${n}u);
#endfor
#endfor
#endif
            let ix = ox * stride + left;
#for t in range(carried, texels)
#if columns > 1
            let x${t} = input(row, inside, ix + ${t}u);
#else
            let x${t} = input(row, inside, ix + ${t}u * stride);
#endif
#endfor
#for o in range(4 * kg)
#for k in range(columns)
            a${o}_${k} = a${o}_${k}{% for n in range(np) %} + d${n}_${o // 4}.${lane_names[o % 4]} * x${n * stride + k if columns > 1 else n}{% endfor %};
#endfor
#endfor
#for t in range(carried)
            x${t} = x${np * stride + t};
#endfor
            continuing { ox += ${np}u; break if ox >= p.out_width; }
        }
        continuing { step++; break if step >= p.span; }
    }

    let lanes = min(p.channels - 4u * group, 4u);
    let first = part * p.outputs * in_groups * taps + group * taps + first_tap;
#for o in range(4 * kg)
    if (exists && first_group * 4u + ${o}u < p.outputs) {
        let at = first + (first_group * 4u + ${o}u) * in_groups * taps;
#for k in range(columns)
        y[at + ${k}u] = mask_lanes(a${o}_${k}, lanes);
#endfor
    }
#endfor
}
