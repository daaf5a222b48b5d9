import { describe, expect, it } from 'vitest';
import { FakeClock, FakeKernel } from '../testing/fake_kernel';
import { makeState } from '../testing/fixtures';
import { Controller, sharedController } from './controller';
import { Source } from './source';

async function settled(): Promise<void> {
  for (let i = 0; i < 5; i++) await Promise.resolve();
}

async function connected(): Promise<{
  clock: FakeClock;
  kernel: FakeKernel;
  controller: Controller;
  source: Source;
}> {
  const clock = new FakeClock();
  const kernel = new FakeKernel();
  const controller = new Controller([kernel.factory], clock);
  const source = new Source();
  source.connect(controller, 'digits');
  const done = controller.connect();
  await settled();
  kernel.welcome();
  await done;
  kernel.example('snapshot');
  return { clock, kernel, controller, source };
}

describe('the link to a kernel', () => {
  it('shakes hands, then asks for the runs that are shown', async () => {
    const { kernel, controller, source } = await connected();
    expect(controller.link.value).toEqual({ kind: 'live', path: 'control', slow: false });
    expect(controller.runs.value[0]?.run).toBe('digits');
    expect(kernel.received.map(({ kind, run }) => [kind, run])).toEqual([
      ['hello', null],
      ['hello', 'digits'],
    ]);
    expect(source.state.value?.seq).toBe(17);
  });

  it('takes the next way where one does not answer within 5 s', async () => {
    const clock = new FakeClock();
    const [deaf, good] = [new FakeKernel('control'), new FakeKernel('shell')];
    const controller = new Controller([deaf.factory, async () => null, good.factory], clock);
    const done = controller.connect();
    await settled();
    clock.advance(5000);
    await settled();
    expect(deaf.disposed).toBe(1);
    good.welcome();
    expect(await done).toBe(true);
    expect(controller.link.value).toMatchObject({ path: 'shell' });
  });

  it('waits on the last way, and is live as soon as the kernel answers', async () => {
    const clock = new FakeClock();
    const kernel = new FakeKernel('widget');
    const controller = new Controller([kernel.factory], clock);
    const done = controller.connect();
    await settled();
    clock.advance(5000);
    expect(await done).toBe(false);
    expect(controller.link.value).toEqual({ kind: 'waiting', path: 'widget' });
    kernel.welcome();
    expect(controller.link.value).toMatchObject({ kind: 'live', path: 'widget' });
  });

  it('is given up when the kernel speaks another version', async () => {
    const { kernel, controller } = await connected();
    kernel.send({ v: 9, kind: 'delta' });
    expect(controller.link.value).toMatchObject({ kind: 'offline' });
  });

  it('answers what was asked when the kernel dies, and can be made again', async () => {
    const { kernel, controller, source } = await connected();
    const asked = source.command('pause_run');
    kernel.die();
    expect(await asked).toEqual({ ok: false, error: 'the kernel has stopped' });
    expect(source.state.value?.seq).toBe(17);
    const again = controller.connect();
    await settled();
    kernel.welcome();
    expect(await again).toBe(true);
    expect(kernel.last('hello').run).toBe('digits');
  });

  it('is one for all who ask for the same kernel', () => {
    const kernel = {};
    const first = sharedController(kernel, () => new Controller([]));
    expect(sharedController(kernel, () => new Controller([]))).toBe(first);
    expect(sharedController({}, () => new Controller([]))).not.toBe(first);
  });
});

describe('a run', () => {
  it('follows deltas, and asks for a snapshot after a gap, but not again and again', async () => {
    const { clock, kernel, source } = await connected();
    kernel.example('delta');
    expect(source.state.value?.seq).toBe(21);
    kernel.example('delta', { since: 30, seq: 31 });
    kernel.example('delta', { since: 31, seq: 32 });
    expect(kernel.kinds().filter((kind) => kind === 'resync')).toHaveLength(1);
    clock.advance(3000);
    kernel.example('delta', { since: 32, seq: 33 });
    expect(kernel.kinds().filter((kind) => kind === 'resync')).toHaveLength(2);
  });

  it('keeps telling that somebody looks, and stops with the last view', async () => {
    const { clock, kernel, source } = await connected();
    clock.advance(4000);
    const seen = kernel.kinds().filter((kind) => kind === 'seen').length;
    expect(seen).toBeGreaterThanOrEqual(2);
    expect(kernel.last('seen')).toMatchObject({ run: 'digits', seq: 17 });
    source.dispose();
    clock.advance(10_000);
    expect(kernel.kinds().filter((kind) => kind === 'seen')).toHaveLength(seen);
    expect(clock.pending).toBe(0);
  });

  it('passes commands and their answers', async () => {
    const { kernel, source } = await connected();
    const asked = source.command('pause_trial', { trial_ids: [3] });
    expect(kernel.last('command')).toMatchObject({
      v: 1,
      cmd: 'pause_trial',
      args: { trial_ids: [3] },
    });
    kernel.answer('ack', { ok: false, error: 'no such trial' });
    expect(await asked).toEqual({ ok: false, error: 'no such trial' });
    const query = source.query('trial', { trial_id: 3 });
    kernel.answer('answer', { ok: true, result: { log: {} } });
    expect(await query).toEqual({ ok: true, result: { log: {} } });
  });

  it('says that the kernel is slow while an answer is late', async () => {
    const { clock, kernel, controller, source } = await connected();
    const asked = source.command('pause_run');
    clock.advance(1600);
    expect(controller.link.value).toMatchObject({ slow: true });
    kernel.answer('ack', { ok: true });
    await asked;
    expect(controller.link.value).toMatchObject({ slow: false });
  });

  it('that a job drives is waited for as long as it takes', async () => {
    const { clock, kernel, controller, source } = await connected();
    kernel.example('delta_remote');
    const asked = source.command('pause_run');
    const preview = source.query('preview_space', { space: {} });
    clock.advance(600_000);
    expect(controller.link.value).toMatchObject({ kind: 'live', slow: false });
    kernel.answer('ack', { ok: true, result: null });
    kernel.answer('answer', { ok: false, error: 'the run is over' });
    expect(await asked).toEqual({ ok: true, result: null });
    expect(await preview).toEqual({ ok: false, error: 'the run is over' });
    // What the kernel answers by itself has to come soon.
    const trial = source.query('trial', { trial_id: 0 });
    clock.advance(1600);
    expect(controller.link.value).toMatchObject({ slow: true });
    clock.advance(60_000);
    expect(await trial).toMatchObject({ ok: false });
    expect(controller.link.value).toMatchObject({ slow: false });
  });

  it('begins again with a snapshot that comes unasked, though it tells less', async () => {
    const { kernel, source } = await connected();
    kernel.example('delta');
    expect(source.state.value?.seq).toBe(21);
    kernel.example('snapshot', { seq: 17 });
    expect(source.state.value?.seq).toBe(17);
    expect(kernel.kinds()).not.toContain('resync');
  });

  it('is shared by all its views', async () => {
    const { kernel, controller, source } = await connected();
    const second = new Source();
    second.connect(controller, 'digits');
    expect(second.state.value).toBe(source.state.value);
    kernel.example('delta');
    expect(second.state.value?.seq).toBe(21);
    second.dispose();
    expect(controller.session('digits').viewCount).toBe(1);
  });
});

describe('what a panel shows', () => {
  it('is the saved picture until the run is live', async () => {
    const source = new Source(makeState({ name: 'picture' }));
    expect(source.link.value.kind).toBe('static');
    expect(await source.command('pause_run')).toMatchObject({ ok: false });
    const kernel = new FakeKernel();
    const controller = new Controller([kernel.factory], new FakeClock());
    source.connect(controller, 'digits');
    expect(source.state.value?.header.name).toBe('picture');
    const done = controller.connect();
    await settled();
    kernel.welcome();
    await done;
    kernel.example('snapshot');
    expect(source.state.value?.header.name).toBe('digits');
    source.setPicture(makeState({ name: 'older' }));
    expect(source.state.value?.header.name).toBe('digits');
  });

  it('may be another run for a while', async () => {
    const { kernel, source } = await connected();
    source.openRun('/saved/run');
    expect(kernel.last('hello').run).toBe('/saved/run');
    kernel.example('snapshot', { run: '/saved/run' });
    expect(source.away).toBe('digits');
    source.goHome();
    expect(source.away).toBeNull();
    expect(source.state.value?.run).toBe('digits');
  });

  it('is told when the kernel forgets the run', async () => {
    const { kernel, source } = await connected();
    kernel.example('bye');
    expect(source.farewell.value).toMatch(/does not know/);
  });
});
