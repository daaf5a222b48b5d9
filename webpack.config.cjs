// Notebooks are JSON: the quick start is bundled as such.
module.exports = {
  module: { rules: [{ test: /\.ipynb$/, type: 'json' }] },
};
