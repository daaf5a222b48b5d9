/** Notebooks are bundled as JSON (see webpack.config.cjs). */
declare module '*.ipynb' {
  const notebook: { readonly cells: readonly unknown[]; readonly nbformat: number };
  export default notebook;
}
