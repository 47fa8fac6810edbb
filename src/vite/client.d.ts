// For a project's `types`: what `import dependency from "lodash-es?skep"` gives.
declare module "*?skep" {
  const dependency: { readonly source: string } | { readonly commonjs: string };
  export default dependency;
}
