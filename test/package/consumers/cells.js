/** Which kinds of consumer are there, and which of them does a run walk through? */
export const KINDS = ['nest11-commonjs', 'nest12-esm'];
export const RUNNERS = ['node', 'jest', 'vitest'];
export const NODES = ['20', '22', '24'];
export const COMPILERS = ['tsc', 'swc'];

/**
 * Every kind with every runner on every Node.js. The compiler changes from one to the next, so that each kind meets each
 * compiler with each runner and on each Node.js; with `all`, in each cell.
 */
export function chooseCells({ all = false, only = '' } = {}) {
  const cells = KINDS.flatMap((kind, k) =>
    RUNNERS.flatMap((runner, r) =>
      NODES.flatMap((node, n) =>
        COMPILERS.filter((_, c) => all || (k + r + n) % 2 === c).map((compiler) => ({
          kind,
          runner,
          node,
          compiler,
        })),
      ),
    ),
  );
  return cells.filter((cell) => nameOf(cell).includes(only));
}

export const nameOf = ({ kind, runner, node, compiler }) =>
  `${kind}, ${runner}, Node.js ${node}, ${compiler}`;
