/** The configuration space of the simulated run, as JSON. */

type Wire = Record<string, unknown>;

const float = (lower: number, upper: number): Wire => ({
  domain_cls: 'Float',
  domain_kwargs: { lower, upper },
  sampler_cls: 'LogUniform',
  sampler_kwargs: { base: 10 },
});
export const SPACE: Wire = {
  learning_rate: float(1e-5, 1),
  weight_decay: float(1e-7, 0.1),
  n_units: {
    domain_cls: 'Integer',
    domain_kwargs: { lower: 8, upper: 256 },
    sampler_cls: 'LogUniform',
    sampler_kwargs: { base: 10 },
  },
  batch_size: {
    domain_cls: 'Integer',
    domain_kwargs: { lower: 16, upper: 256 },
    sampler_cls: 'Uniform',
    sampler_kwargs: {},
  },
  activation: {
    domain_cls: 'Categorical',
    domain_kwargs: { categories: ['relu', 'tanh', 'logistic'] },
    sampler_cls: 'Uniform',
    sampler_kwargs: {},
  },
  epochs: 27,
};
