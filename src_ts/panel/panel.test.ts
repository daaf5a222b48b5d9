import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Controller } from '../client/controller';
import { Source } from '../client/source';
import type { Header } from '../protocol/messages';
import type { RunState } from '../state/run';
import { FakeClock, FakeKernel } from '../testing/fake_kernel';
import { makeState, makeTrial } from '../testing/fixtures';
import { bannerWords } from './banner';
import { linkWords } from './link_status';
import { Panel } from './panel';

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

async function livePanel(): Promise<{ kernel: FakeKernel; source: Source; panel: Panel }> {
  const kernel = new FakeKernel();
  const controller = new Controller([kernel.factory], new FakeClock());
  const source = new Source();
  const panel = new Panel(host, source);
  source.connect(controller, 'digits');
  const done = controller.connect();
  await frame();
  kernel.welcome();
  await done;
  kernel.example('snapshot');
  await frame();
  return { kernel, source, panel };
}

describe('a panel', () => {
  it('shows the run, its best value and its trials', async () => {
    await livePanel();
    expect(text('[data-role=run-state]')).toBe('Running');
    expect(text('[data-role=best-value]')).toBe('0.7500');
    expect(text('[data-role=counts]')).toBe('2 trials: 1 run · 1 wait');
    expect(text('[data-role=link-path]')).toContain('while the kernel works');
    expect(host.querySelectorAll('.stl-grid-body .stl-row:not([hidden])')).toHaveLength(2);
    expect(text('.stl-row[data-trial="1"]')).toContain('paused');
  });

  it('asks, waits and tells what became of a command', async () => {
    const { kernel } = await livePanel();
    const button = query('[data-action=pause-run]');
    button.click();
    expect(kernel.last('command')).toMatchObject({ cmd: 'pause_run', run: 'digits' });
    expect(button.dataset.phase).toBe('asked');
    kernel.answer('ack', { ok: false, error: 'the run is paused already' });
    await frame();
    expect(button.dataset.phase).toBe('refused');
    expect(text('.stl-notices')).toContain('the run is paused already');
  });

  it('steers the speed of a simulated run', async () => {
    const { kernel } = await livePanel();
    const speed = query('[data-action=set-speed]') as HTMLSelectElement;
    const step = query('[data-action=step]') as HTMLButtonElement;
    expect(speed.closest<HTMLElement>('[hidden]')).not.toBeNull();
    kernel.update({ simulation: { speed: null } });
    await frame();
    expect(speed.closest<HTMLElement>('[hidden]')).toBeNull();
    expect(speed.value).toBe('max');
    expect(step.disabled).toBe(true);
    speed.value = '0';
    speed.dispatchEvent(new Event('change'));
    expect(kernel.last('command')).toMatchObject({ cmd: 'set_speed', args: { speed: 0 } });
    kernel.update({ simulation: { speed: 0 } });
    await frame();
    expect(step.disabled).toBe(false);
    step.click();
    expect(kernel.last('command')).toMatchObject({ cmd: 'step', args: { count: 1 } });
    kernel.update({ simulation: { speed: 250 } });
    await frame();
    expect(speed.value).toBe('250');
  });

  it('asks before it stops a trial for good', async () => {
    const { kernel } = await livePanel();
    query('[data-action=stop-trial][data-trial="0"]').click();
    await frame();
    expect(kernel.kinds()).not.toContain('command');
    expect(text('dialog')).toContain('cannot be resumed');
    query('[data-action=confirm]').click();
    await frame();
    expect(kernel.last('command')).toMatchObject({ cmd: 'stop_trial', args: { trial_ids: [0] } });
  });

  it('takes keys, but not those typed into a field', async () => {
    const { kernel } = await livePanel();
    const press = (target: HTMLElement, key: string): void => {
      target.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true }));
    };
    press(query('.stl-filter'), 'p');
    expect(kernel.kinds()).not.toContain('command');
    press(query('.stl-panel'), 'e');
    expect(query('[data-role=space-drawer]').hidden).toBe(false);
    press(query('.stl-panel'), 'p');
    expect(kernel.last('command').cmd).toBe('pause_run');
    press(query('.stl-panel'), 'Escape');
    expect(query('[data-role=space-drawer]').hidden).toBe(true);
  });

  it('filters the table and explains a filter that it does not understand', async () => {
    await livePanel();
    const field = query('.stl-filter') as HTMLInputElement;
    field.value = 'state=paused';
    field.dispatchEvent(new Event('input', { bubbles: true }));
    await frame();
    expect(text('[data-role=trial-count]')).toBe('1 of 2');
    field.value = 'lerning_rate<1';
    field.dispatchEvent(new Event('input', { bubbles: true }));
    await frame();
    expect(text('.stl-filter-error')).toContain("did you mean 'learning_rate'?");
  });

  it('opens a trial with what the kernel tells of it, as text only', async () => {
    const { kernel } = await livePanel();
    query('.stl-row[data-trial="1"] .stl-cell-mark').click();
    expect(kernel.last('query')).toMatchObject({ what: 'trial', args: { trial_id: 1 } });
    kernel.answer('answer', {
      ok: true,
      result: {
        statuses: [
          {
            t: 4,
            status: 'Paused',
            cause: 'scheduler',
            reason: { kind: 'rung', level: 1, value: 0.41, rank: 1, size: 1 },
          },
        ],
        log: { stdout: ['<img src=x onerror=alert(1)>'], stderr: [] },
      },
    });
    await frame();
    expect(text('.stl-log')).toBe('<img src=x onerror=alert(1)>');
    expect(host.querySelector('img')).toBeNull();
    expect(text('.stl-drawer .stl-timeline')).toContain('0.4100 is 1st of 1');
  });

  it('validates an edit of the space as one types, shows what follows and applies it', async () => {
    const { kernel } = await livePanel();
    query('[data-action=drawer-space]').click();
    const lower = query('[data-role=space-lower][data-name=learning_rate]') as HTMLInputElement;
    const type = (value: string): void => {
      lower.value = value;
      lower.dispatchEvent(new Event('input', { bubbles: true }));
    };
    type('7');
    expect(text('.stl-space-bad .stl-field-error')).toContain('above the upper');
    expect((query('[data-action=apply-space]') as HTMLButtonElement).disabled).toBe(true);
    type('0.001');
    await new Promise((resolve) => setTimeout(resolve, 260));
    expect(kernel.last('query')).toMatchObject({ what: 'preview_space' });
    kernel.answer('answer', {
      ok: true,
      result: { errors: {}, changes: ['learning_rate'], outside: 1, running_go_on: [0] },
    });
    await frame();
    expect(text('.stl-space-line')).toBe('1 of 2 trials falls outside; 1 running trial goes on.');
    query('[data-action=apply-space]').click();
    await frame();
    expect(kernel.last('command')).toMatchObject({
      cmd: 'edit_space',
      args: {
        base_version: 0,
        running: 'keep',
        space: { learning_rate: { domain_kwargs: { lower: 0.001, upper: 1 } } },
      },
    });
  });

  it('keeps the last state and says so when the kernel is gone', async () => {
    const { kernel } = await livePanel();
    kernel.die();
    await frame();
    expect(text('[data-role=run-state]')).toBe('No kernel');
    expect(text('.stl-banner')).toContain('The kernel is gone');
    expect((query('[data-action=pause-run]') as HTMLButtonElement).disabled).toBe(true);
    expect(text('[data-role=best-value]')).toBe('0.7500');
  });

  it('goes away without leaving anything behind', async () => {
    const open = new Set<string>();
    let id = 0;
    for (const target of [document, document.body, window]) {
      const add = target.addEventListener.bind(target);
      vi.spyOn(target, 'addEventListener').mockImplementation(
        (type: string, listener: unknown, options?: unknown) => {
          const key = `${type}-${id++}`;
          open.add(key);
          const { signal } = (typeof options === 'object' && options !== null ? options : {}) as {
            signal?: AbortSignal;
          };
          signal?.addEventListener('abort', () => open.delete(key));
          add(type, listener as EventListener, options as AddEventListenerOptions);
        },
      );
    }
    const stopTimer = vi.spyOn(globalThis, 'clearInterval');
    const { source, panel } = await livePanel();
    query('[data-action=more]').click();
    panel.dispose();
    source.dispose();
    panel.dispose();
    expect([...open]).toEqual([]);
    expect(source.state.listenerCount).toBe(0);
    expect(source.link.listenerCount).toBe(0);
    expect(source.farewell.listenerCount).toBe(0);
    expect(stopTimer).toHaveBeenCalled();
    expect(host.childElementCount).toBe(0);
  });
});

describe('thousands of trials', () => {
  it('cost no more rows than fit into the view', async () => {
    const base = makeState();
    const trials = Array.from({ length: 5000 }, (_, id) => makeTrial({ id }));
    const source = new Source({ ...base, trials, nTrials: trials.length });
    const panel = new Panel(host, source);
    await frame();
    expect(text('[data-role=trial-count]')).toBe('5000');
    expect(host.querySelectorAll('.stl-grid-body .stl-row').length).toBeLessThan(40);
    panel.dispose();
  });
});

describe('the sentence of a state', () => {
  const words = (header: Partial<Header>, changes: Partial<RunState> = {}): string | undefined =>
    bannerWords(
      { ...makeState(header), ...changes },
      { kind: 'live', path: 'control', slow: false },
      null,
      false,
    )?.text;

  it('is missing where the run speaks for itself', () => {
    expect(words({})).toBeUndefined();
  });

  it('names the error if all trials failed', () => {
    const error = 'Traceback\n  File "train.py", line 12\nValueError: no units\n';
    const trials = [0, 1].map((id) => makeTrial({ id, status: 'Failed', error }));
    const counts = { ...makeState().header.counts, InProgress: 0, Paused: 0, Failed: 2 };
    expect(words({ counts }, { trials })).toBe('All 2 trials failed: ValueError: no units');
  });

  it('sums up a run that is over', () => {
    expect(words({ state: 'finished', why: 'the time of 150 s is over' })).toBe(
      'The time of 150 s is over. 2 trials in 00:12; best accuracy 0.7500 by trial 0.',
    );
  });
});

describe('the sentence of the link', () => {
  it.each([
    [{ kind: 'live', path: 'control', slow: false }, 'controls live while the kernel works ✓'],
    [{ kind: 'live', path: 'widget', slow: true }, 'the kernel is busy: commands wait'],
    [{ kind: 'waiting', path: 'widget' }, 'the kernel is busy: this panel waits for it'],
    [{ kind: 'static' }, 'saved picture, no kernel connected'],
  ] as const)('%o', (link, expected) => {
    expect(linkWords(link, false).text).toBe(expected);
  });
});
