import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Controller } from '../client/controller';
import { Source } from '../client/source';
import type { Header } from '../protocol/messages';
import { FakeClock, FakeKernel } from '../testing/fake_kernel';
import { makeState } from '../testing/fixtures';
import { stopQuestion } from './actions';
import { bannerWords } from './banner';
import { linkWords } from './link_status';
import { Panel } from './panel';
import { readSavedRuns, savedFacts } from './saved_runs';

const URL = 'https://us-east-1.console.aws.amazon.com/sagemaker/home#/jobs/digits-1';
const WIRE = { job: 'digits-1', url: URL, heard_at: 1_790_000_010, trouble: null };
const REMOTE = { job: 'digits-1', url: URL, heardAt: 1_790_000_010, trouble: null };

let host: HTMLElement;

beforeEach(() => {
  host = document.createElement('div');
  document.body.append(host);
  vi.spyOn(HTMLElement.prototype, 'clientHeight', 'get').mockReturnValue(300);
});

afterEach(() => {
  host.remove();
});

const query = (selector: string): HTMLElement => {
  const found = host.querySelector<HTMLElement>(selector);
  if (found === null) throw new Error(`${selector} is not there`);
  return found;
};
const text = (selector: string): string => query(selector).textContent ?? '';
const frame = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 40));

async function remotePanel(): Promise<{ kernel: FakeKernel; panel: Panel }> {
  const kernel = new FakeKernel();
  const controller = new Controller([kernel.factory], new FakeClock());
  const source = new Source();
  const panel = new Panel(host, source);
  source.connect(controller, 'digits');
  const done = controller.connect();
  await frame();
  kernel.welcome();
  await done;
  kernel.update({ remote: WIRE });
  await frame();
  return { kernel, panel };
}

describe('the panel of a remote run', () => {
  it('says which job it is and how fresh what one sees is', async () => {
    const { kernel } = await remotePanel();
    expect(query('[data-role=remote]').hidden).toBe(false);
    expect(text('[data-role=remote]')).toContain('SageMaker job digits-1');
    expect(text('[data-role=heard]')).toMatch(/^heard \d+ s ago$/);
    const link = query('[data-role=remote] a');
    expect(link.getAttribute('href')).toBe(URL);
    expect(link.getAttribute('target')).toBe('_blank');
    expect(link.getAttribute('rel')).toContain('noopener');
    expect(text('[data-role=link-path]')).toContain('reach the job');
    kernel.update({ remote: null });
    await frame();
    expect(query('[data-role=remote]').hidden).toBe(true);
  });

  it('tells that a command waits for the job until it is answered', async () => {
    const { kernel } = await remotePanel();
    const waiting = query('[data-role=waiting-commands]');
    expect(waiting.hidden).toBe(true);
    query('[data-action=pause-run]').click();
    expect(text('.stl-notices')).toContain('asked, the job answers within a few seconds');
    expect(waiting.textContent).toBe('1 command waits for the job');
    kernel.answer('ack', { ok: false, error: 'the run is paused already' });
    await frame();
    expect(waiting.hidden).toBe(true);
    expect(text('.stl-notices')).toContain('the run is paused already');
  });

  it('tells the answer though the question has left the screen', async () => {
    const { kernel } = await remotePanel();
    query('[data-action=pause-run]').click();
    query('.stl-notice').remove();
    kernel.answer('ack', { ok: true, result: null });
    await frame();
    expect(text('.stl-notices')).toContain('Pause the run: done');
  });

  it('keeps the number of workers that was asked for until the job has answered', async () => {
    const { kernel } = await remotePanel();
    query('[data-action=workers-more]').click();
    await new Promise((resolve) => setTimeout(resolve, 400));
    expect(kernel.last('command')).toMatchObject({ args: { n_workers: 3 } });
    expect(text('[data-role=workers]')).toBe('→ 3');
    kernel.answer('ack', { ok: true, result: null });
    kernel.update({ remote: WIRE, n_workers: 3 });
    await frame();
    expect(text('[data-role=workers]')).toBe('1 of 3');
  });

  it('waits for a log that is on its way, and shows it when it is there', async () => {
    const { kernel, panel } = await remotePanel();
    query('.stl-row[data-trial="1"] .stl-cell-mark').click();
    expect(text('.stl-log')).toBe('asking the job for the log …');
    kernel.answer('answer', { ok: true, result: { statuses: [], log: null } });
    await frame();
    expect(text('.stl-log')).toBe('asking the job for the log …');
    panel.dispose();
  });

  it('has no controls after the end, and gives the code to go on', async () => {
    const { kernel } = await remotePanel();
    kernel.update({ remote: WIRE, state: 'finished', controls: false, why: 'all trials ended' });
    await frame();
    expect(query('[data-action=pause-run]').hidden).toBe(true);
    expect(query('[data-action=stop-run]').hidden).toBe(true);
    expect(text('[data-role=remote]')).toContain('ran as SageMaker job');
    query('[data-action=resume-code]').click();
    expect(kernel.last('query')).toMatchObject({ what: 'resume_code' });
    kernel.answer('answer', { ok: true, result: { kind: 'resume_job', code: 'attach()' } });
    await frame();
    expect(text('dialog')).toContain('The job is over');
    expect(text('dialog .stl-code')).toBe('attach()');
  });
});

describe('the sentence of a remote run', () => {
  const live = { kind: 'live', path: 'control', slow: false } as const;
  const words = (
    header: Partial<Header>,
    link: Parameters<typeof bannerWords>[1] = live,
    farewell: string | null = null,
  ) => bannerWords(makeState({ remote: REMOTE, ...header }), link, farewell, false);

  it('is missing where all is well', () => {
    expect(words({})).toBeNull();
  });

  it('tells what SageMaker does before the tuner begins', () => {
    const told = words({ state: 'starting', waitsFor: 'SageMaker downloads the image' });
    expect(told?.tone).toBe('info');
    expect(told?.text).toMatch(/^SageMaker downloads the image\. .*need not stay open\.$/);
  });

  it('tells trouble calmly', () => {
    const trouble = "AWS can't be asked: no network. The job goes on.";
    expect(words({ remote: { ...REMOTE, trouble } })).toMatchObject({
      tone: 'wait',
      text: trouble,
    });
    const readOnly = words({ readOnly: true, remote: { ...REMOTE, trouble } });
    expect(readOnly).toMatchObject({ text: trouble, actions: ['find-code'] });
  });

  it('does not mistake the end of the kernel for that of the job', () => {
    const gone = words({}, { kind: 'offline', why: 'it was restarted' });
    expect(gone).toMatchObject({ tone: 'wait', actions: ['find-code'] });
    expect(gone?.text).toContain('The job goes on');
    expect(words({}, live, 'it knows no such run')?.text).toContain('The job goes on');
    expect(words({ state: 'finished' }, { kind: 'offline', why: 'gone' })?.tone).toBe('good');
  });

  it('of the link says where controls go', () => {
    expect(linkWords(live, false, true).text).toBe(
      'controls reach the job while the kernel works ✓',
    );
  });

  it('before a stop says what happens to the job', () => {
    const header = (changes: Partial<Header>) => makeState({ remote: REMOTE, ...changes }).header;
    expect(stopQuestion(header({})).text).toContain('and the job ends');
    const early = stopQuestion(header({ state: 'starting' }));
    expect(early.text).toContain('SageMaker ends the job');
    expect(early.option).toBeUndefined();
    expect(stopQuestion(makeState().header).text).not.toContain('job');
  });
});

describe('the list of saved runs', () => {
  const entry = {
    path: '/runs/a',
    name: 'a',
    state: 'running',
    best: 0.03,
    trials: 12,
    started: 1000,
    remote: { job: 'a-1', is_over: false, looked_at: 7000 },
  };

  it('marks those on SageMaker, and says how old what it tells is', () => {
    const [run] = readSavedRuns([entry]);
    expect(run && savedFacts(run, 8200)).toBe(
      'running on SageMaker · 12 trials · best 0.03000 · started 2 h ago · looked at 20 min ago',
    );
  });

  it('names the others as they are', () => {
    const over = { ...entry, state: 'finished', remote: { ...entry.remote, is_over: true } };
    const runs = readSavedRuns([over, { ...entry, trials: 1, started: 2000, remote: null }]);
    expect(runs.map((run) => savedFacts(run, 8200))).toEqual([
      'running · 1 trial · best 0.03000 · started 2 h ago',
      'finished · 12 trials · best 0.03000 · started 2 h ago · ran on SageMaker',
    ]);
  });
});
