/** A page with a simulated run. Options are in the address: ?mode=many&theme=dark&width=800. */

import '../../style/index.css';
import { Controller } from '../client/controller';
import { Source } from '../client/source';
import { Panel } from '../panel/panel';
import { SimulatedKernel } from './simulated_kernel';
import { SimulatedRun, type SimulationOptions } from './simulated_run';

const query = new URLSearchParams(location.search);
const mode = query.get('mode') ?? 'few';
const width = query.get('width');

const BASE: SimulationOptions = {
  nTrials: 60,
  nWorkers: 3,
  maxEpochs: 27,
  rungs: true,
  objectives: ['accuracy'],
  failing: false,
  resource: true,
};
const MODES: Record<string, readonly [Partial<SimulationOptions>, number]> = {
  few: [{}, 190],
  start: [{}, 3],
  empty: [{}, 0],
  many: [{ nTrials: 1000, nWorkers: 40, maxEpochs: 100 }, 160],
  full: [{ nTrials: 1000, nWorkers: 400, maxEpochs: 100, rungs: false }, 900],
  fifo: [{ rungs: false, nTrials: 30 }, 150],
  plain: [{ rungs: false, nTrials: 30, resource: false, maxEpochs: 1 }, 40],
  failed: [{ failing: true, nTrials: 4 }, 30],
  multi: [{ objectives: ['accuracy', 'latency_ms'] }, 150],
  finished: [{ nTrials: 20 }, 2000],
  gone: [{}, 150],
  remote: [{}, 190],
  'remote-start': [{}, 0],
  'remote-trouble': [{}, 190],
};

const [changes, steps] = MODES[mode] ?? [{}, 100];
const run = new SimulatedRun({ ...BASE, ...changes });
for (let i = 0; i < steps; i++) run.step(1);
if (mode === 'few') {
  run.flags.push({
    t: 95,
    kind: 'space',
    text: 'learning_rate 1e-5 to 1 → 3e-4 to 0.03',
    details: {},
  });
}
if (mode.startsWith('remote')) {
  const heard = 1.79e9 + run.time - 3;
  run.remote = {
    job: 'digits-mlp-2026-11-20-10-00-00-123-8k2c',
    url: 'https://us-east-1.console.aws.amazon.com/sagemaker/home?region=us-east-1#/jobs/digits',
    heard_at: mode === 'remote-start' ? null : heard,
    trouble:
      mode === 'remote-trouble'
        ? "AWS can't be asked: s3:get_object failed (EndpointConnectionError): Could not connect to " +
          'the endpoint URL. The job goes on; what it does is shown as soon as AWS answers.'
        : null,
  };
  if (mode === 'remote-start') {
    run.state = 'starting';
    run.waitsFor = 'SageMaker downloads the image';
  }
}
const kernel = new SimulatedKernel(run);
const host = document.querySelector<HTMLElement>('#host');
document.documentElement.style.background = query.get('theme') === 'dark' ? '#111315' : '#ffffff';
document.body.style.background = document.documentElement.style.background;
if (host !== null) {
  if (width !== null) host.style.width = `${width}px`;
  const start = performance.now();
  const source = new Source();
  const panel = new Panel(host, source);
  const controller = new Controller([kernel.factory]);
  source.connect(controller, 'demo');
  void controller.connect();
  source.state.subscribe(() => {
    requestAnimationFrame(() => {
      document.title = `${Math.round(performance.now() - start)} ms`;
    });
  }, new AbortController().signal);
  if (query.get('live') !== null) {
    setInterval(
      () => {
        run.step(1);
        kernel.publish();
      },
      Number(query.get('live')) || 250,
    );
  }
  if (mode === 'gone') setTimeout(() => kernel.die(), 300);
  Object.assign(globalThis, { demo: { panel, source, controller, kernel, run } });
}
