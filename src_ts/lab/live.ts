/** Keeps a panel's source connected to the kernel of its notebook, through restarts and changes. */

import type { ISessionContext } from '@jupyterlab/apputils';
import { sharedController } from '../client/controller';
import { discover, isKernel, kernelController } from '../client/kernel';
import type { Source } from '../client/source';

const AGAIN_MS = 3000;

/** What is used of a session context. */
export type KernelHolder = Pick<ISessionContext, 'session' | 'kernelChanged' | 'statusChanged'>;

/**
 * Turns the source live as soon as the kernel has our comm, now or later. A kernel that does not
 * have it is asked again, calmly, when it comes to rest: perhaps a cell has imported it.
 */
export function keepLive(
  holder: KernelHolder,
  source: Source,
  run: string,
  signal: AbortSignal,
): void {
  let trying = false;
  let lastTry = Number.NEGATIVE_INFINITY;

  const attempt = async (): Promise<void> => {
    const kernel: unknown = holder.session?.kernel;
    if (trying || signal.aborted || !isKernel(kernel)) return;
    trying = true;
    lastTry = performance.now();
    try {
      if ((await discover(kernel)) !== true || signal.aborted) return;
      const controller = sharedController(kernel, () => kernelController(kernel));
      source.connect(controller, run);
      await controller.connect();
    } finally {
      trying = false;
    }
  };
  const onKernel = (): void => {
    void attempt();
  };
  const onStatus = (_sender: unknown, status: string): void => {
    const { kind } = source.link.value;
    const cut = kind === 'static' || kind === 'offline';
    if (status === 'idle' && cut && performance.now() - lastTry > AGAIN_MS) void attempt();
  };
  holder.kernelChanged.connect(onKernel);
  holder.statusChanged.connect(onStatus);
  signal.addEventListener(
    'abort',
    () => {
      holder.kernelChanged.disconnect(onKernel);
      holder.statusChanged.disconnect(onStatus);
    },
    { once: true },
  );
  void attempt();
}
