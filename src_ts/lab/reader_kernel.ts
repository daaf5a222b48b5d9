/** A kernel of our own that reads saved runs where no notebook's kernel can. */

import { SessionContext } from '@jupyterlab/apputils';
import type { ServiceManager } from '@jupyterlab/services';
import { Controller, sharedController } from '../client/controller';
import { discover, isKernel, kernelTransports } from '../client/kernel';

/** Makes the package's panel reachable in a fresh kernel. */
const CODE = 'from synetune_lab.dashboard.display import connect as _connect; _connect()';

export interface ReaderKernel {
  readonly controller: Controller;
  close(): void;
}

/**
 * Starts a Python kernel and connects to it.
 *
 * @throws Error with a sentence for the user if there is none, or it lacks the package.
 */
export async function startReader(services: ServiceManager.IManager): Promise<ReaderKernel> {
  await services.kernelspecs.ready;
  const context = new SessionContext({
    kernelManager: services.kernels,
    sessionManager: services.sessions,
    specsManager: services.kernelspecs,
    name: 'Saved runs',
    kernelPreference: {
      language: 'python',
      shouldStart: true,
      canStart: true,
      autoStartDefault: true,
    },
  });
  const close = (): void => {
    void context.shutdown().finally(() => context.dispose());
  };
  try {
    await context.initialize();
    await context.ready;
    const kernel = context.session?.kernel;
    if (kernel === null || kernel === undefined || !isKernel(kernel)) {
      throw new Error('A Python kernel is needed to read saved runs, and none could be started.');
    }
    const reply = await kernel.requestExecute({ code: CODE, silent: true, store_history: false })
      .done;
    if (reply.content.status !== 'ok') {
      throw new Error(
        'The Python kernel could not import synetune_lab: install it in the environment of this kernel.',
      );
    }
    const controller = sharedController(kernel, () => new Controller(kernelTransports(kernel)));
    if (!(await controller.connect())) throw new Error('The kernel did not answer.');
    return { controller, close };
  } catch (error) {
    close();
    throw error;
  }
}

/** The controller of a kernel that already has our comm; null if it has not. */
export async function controllerOf(kernel: unknown): Promise<Controller | null> {
  if (!isKernel(kernel) || (await discover(kernel)) !== true) return null;
  const controller = sharedController(kernel, () => new Controller(kernelTransports(kernel)));
  return (await controller.connect()) ? controller : null;
}
