/** The panel as an anywidget, for every notebook host. */

import '../../style/index.css';
import { Controller, sharedController } from '../client/controller';
import { isKernel, kernelTransports } from '../client/kernel';
import { Source } from '../client/source';
import type { TransportFactory } from '../client/transport';
import { Panel } from '../panel/panel';
import type { WireBuffer } from '../protocol/columns';
import { isObject } from '../protocol/json';

/** What is used of anywidget's model. */
interface Model {
  get(name: string): unknown;
  on(event: string, handler: (content: unknown, buffers?: readonly WireBuffer[]) => void): void;
  off(event: string, handler: (content: unknown, buffers?: readonly WireBuffer[]) => void): void;
  send(content: unknown): void;
  readonly widget_manager?: unknown;
}

/** Messages of the widget itself: everywhere, but a busy kernel answers late. */
function modelTransport(model: Model): TransportFactory {
  return async (events) => {
    const onMessage = (content: unknown, buffers?: readonly WireBuffer[]): void => {
      if (isObject(content) && content.v !== undefined) events.message(content, buffers ?? []);
    };
    model.on('msg:custom', onMessage);
    return {
      path: 'widget',
      send: (message) => model.send(message),
      dispose: () => model.off('msg:custom', onMessage),
    };
  };
}

/** One controller for all views of a model, and of a kernel where the host shows it. */
function controllerOf(model: Model): Controller {
  const manager = model.widget_manager;
  const kernel = isObject(manager) ? manager.kernel : undefined;
  return isKernel(kernel)
    ? sharedController(
        kernel,
        () => new Controller([...kernelTransports(kernel), modelTransport(model)]),
      )
    : sharedController(model, () => new Controller([modelTransport(model)]));
}

export default {
  render({ model, el }: { model: Model; el: HTMLElement }): () => void {
    const run = model.get('run');
    const source = new Source();
    const panel = new Panel(el, source);
    const controller = controllerOf(model);
    if (typeof run === 'string') source.connect(controller, run);
    void controller.connect();
    return () => {
      panel.dispose();
      source.dispose();
    };
  },
};
