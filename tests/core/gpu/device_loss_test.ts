import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { DeviceError, DeviceLostError } from "../../../core/errors.ts";
import { backendOn, webGpuBackend } from "../../../core/gpu/backend.ts";
import { type OpenDevice, openDevice } from "../../../core/gpu/device.ts";
import type { Backend, Program } from "../../../core/plan/backend.ts";
import { doublingPlan, someValues } from "./_doubling.ts";

interface Bench {
  readonly open: OpenDevice;
  readonly backend: Backend;
  readonly program: Program;
}

/** A program on a device that the test may break. */
async function onBench(test: (bench: Bench) => Promise<void>): Promise<void> {
  const open = await openDevice();
  const backend = await backendOn(open);
  try {
    await test({ open, backend, program: await backend.compile(doublingPlan()) });
  } finally {
    backend.destroy();
  }
}

Deno.test("GpuProgram.read() rejects with the steps that are finished, device destroyed in mid-run", async () => {
  await onBench(async ({ open, program }) => {
    const x = someValues();
    for (let step = 0; step < 3; step++) program.step({ x });
    assertEquals(await program.read("y"), Float64Array.from(x, (value) => 2 * value));
    for (let step = 0; step < 2; step++) program.step({ x });
    open.device.destroy();
    const error = await assertRejects(() => program.read("y"), DeviceLostError);
    assertStringIncludes(error.message, "3 of 5 steps of its program are known to be finished");
    assertEquals(error.exitCode, 3);
  });
});

Deno.test("GpuProgram.read() rejects where the device is destroyed while it waits", async () => {
  await onBench(async ({ open, program }) => {
    program.step({ x: someValues() });
    const reading = assertRejects(() => program.read("y"), DeviceLostError);
    open.device.destroy();
    await reading;
  });
});

Deno.test("a lost device refuses steps, reads of arenas and new programs", async () => {
  await onBench(async ({ open, backend, program }) => {
    open.device.destroy();
    await open.device.lost;
    assertThrows(() => program.step({ x: someValues() }), DeviceLostError, "0 of 0 steps");
    await assertRejects(() => program.readArenas(["activation"]), DeviceLostError);
    await assertRejects(() => backend.compile(doublingPlan()), DeviceLostError);
    program.destroy();
  });
});

Deno.test("Backend.compile() gives the loss and not a shader error, device destroyed meanwhile", async () => {
  await onBench(async ({ open, backend }) => {
    const compiling = assertRejects(() => backend.compile(doublingPlan(3)), DeviceLostError);
    open.device.destroy();
    await compiling;
  });
});

Deno.test("Backend.destroy() stops its programs at once, and another backend is not affected", async () => {
  await onBench(async ({ backend, program }) => {
    const other = await webGpuBackend();
    try {
      const healthy = await other.compile(doublingPlan());
      backend.destroy();
      assertThrows(() => program.step({ x: someValues() }), DeviceLostError, "gave it back");
      healthy.step({ x: someValues() });
      assert((await healthy.read("y")).some((value) => value !== 0));
      healthy.destroy();
    } finally {
      other.destroy();
    }
  });
});

Deno.test("GpuProgram.read() rejects with an error that no scope caught, and so does all that follows", async () => {
  await onBench(async ({ open, backend, program }) => {
    program.step({ x: someValues() });
    // Mappable memory cannot be bound: a validation error outside of every scope.
    const usage = GPUBufferUsage.MAP_READ | GPUBufferUsage.STORAGE;
    open.device.createBuffer({ size: 16, usage });
    const error = await assertRejects(() => program.read("y"), DeviceError);
    assertStringIncludes(error.message, "reported an error that no call waited for");
    assertStringIncludes(error.message, "MAP_READ");
    assertThrows(() => program.step({ x: someValues() }), DeviceError, "MAP_READ");
    await assertRejects(() => backend.compile(doublingPlan()), DeviceError, "MAP_READ");
  });
});

Deno.test("GpuProgram.read() rejects with the first step's error and its launches, memory freed before", async () => {
  await onBench(async ({ backend, program }) => {
    program.destroy();
    program.step({ x: someValues() });
    const error = await assertRejects(() => program.read("y"), DeviceError);
    assertStringIncludes(
      error.message,
      "Cannot run the first step of a program of 1 launches (scale)",
    );
    assertStringIncludes(error.message, "destroyed");
    // The error belongs to that program: the device and others on it are sound.
    const sound = await backend.compile(doublingPlan());
    sound.step({ x: someValues() });
    assertEquals((await sound.read("y"))[9], 4);
    sound.destroy();
  });
});
