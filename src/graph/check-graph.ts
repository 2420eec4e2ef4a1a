// Everything that is wrong with a job description, before anything starts.
//
// Owns:    the checks of a graph together with the options of its run, and their messages.
// Not:     wrong calls of the API (src/api notes them in `graph.problems`), connectors' own checks at open.
//
// K1. Every problem is found in one pass and reported at once; each names the operator, its uid and what to do.
// K2. A graph without problems can be planned: planJob relies on nothing that is not checked here.

import { MAX_PARALLELISM_CEILING } from '../base/limits.js';
import { uidsOf } from './derive-uid.js';
import { type PlanOptions, parallelismOf } from './parallelism.js';
import {
  connectorLimit,
  type NodeId,
  type StreamEdge,
  type StreamGraph,
  type StreamNode,
  showNode,
} from './stream-graph.js';
import { topologyOf } from './topology.js';

const NAME_CHARACTERS_MAX = 200;
/** Characters that some file system refuses in a name. */
const NOT_IN_A_FILE_NAME = /[/\\:*?"<>|\p{Cc}]/u;
const CONTROL_CHARACTER = /\p{Cc}/u;

/** All problems, in the order in which they were declared. Empty: the job can start. */
export function checkGraph(graph: StreamGraph, options: PlanOptions): readonly string[] {
  return [
    ...jobProblems(graph),
    ...graph.problems,
    ...optionProblems(graph, options),
    ...graph.nodes.flatMap((node) => [...uidProblems(node), ...numberProblems(node)]),
    ...sameUidProblems(graph),
    ...sizeProblems(graph, options),
    ...connectionProblems(graph),
    ...graph.nodes.flatMap((node) => letterProblems(node, graph)),
    ...graph.edges.flatMap((edge) => edgeProblems(edge, graph, options)),
  ];
}

function jobProblems(graph: StreamGraph): string[] {
  const name = graph.job;
  if (typeof name !== 'string' || name.trim() === '') {
    return ['the job has no name; give defineJob a name such as "page-hits"'];
  }
  const usable =
    name.length <= NAME_CHARACTERS_MAX &&
    name === name.trim() &&
    !NOT_IN_A_FILE_NAME.test(name) &&
    !/^\.+$/.test(name);
  if (usable) return [];
  return [
    `the job name ${JSON.stringify(name)} cannot be the name of a directory; use letters, digits, "-", "_" and inner "." or spaces, at most ${NAME_CHARACTERS_MAX} characters`,
  ];
}

function optionProblems(graph: StreamGraph, options: PlanOptions): string[] {
  const problems: string[] = [];
  const parallelism = graph.parallelism ?? options.parallelism;
  const maxParallelism = graph.maxParallelism ?? options.maxParallelism ?? null;
  if (!isParallelism(parallelism)) problems.push(badParallelism('the job', parallelism));
  if (maxParallelism !== null && !isParallelism(maxParallelism)) {
    problems.push(badMaxParallelism('the job', maxParallelism));
  }
  return problems;
}

function uidProblems(node: StreamNode): string[] {
  const uid = node.uid;
  if (uid === null) return [];
  if (typeof uid !== 'string' || uid.trim() === '') {
    return [`${showNode(node)} has an empty uid; give it a name that stays, or leave the uid away`];
  }
  if (uid.length > NAME_CHARACTERS_MAX || CONTROL_CHARACTER.test(uid)) {
    return [
      `${showNode(node)} has an unusable uid; use at most ${NAME_CHARACTERS_MAX} characters and no control characters`,
    ];
  }
  return [];
}

function numberProblems(node: StreamNode): string[] {
  const problems: string[] = [];
  if (node.parallelism !== null && !isParallelism(node.parallelism)) {
    problems.push(badParallelism(showNode(node), node.parallelism));
  }
  if (node.maxParallelism !== null && !isParallelism(node.maxParallelism)) {
    problems.push(badMaxParallelism(showNode(node), node.maxParallelism));
  }
  return problems;
}

function sameUidProblems(graph: StreamGraph): string[] {
  const byUid = new Map<string, StreamNode[]>();
  for (const [id, uid] of uidsOf(graph)) {
    const node = graph.nodes.find((candidate) => candidate.id === id);
    if (node === undefined || uid === '') continue;
    byUid.set(uid, [...(byUid.get(uid) ?? []), node]);
  }
  return [...byUid]
    .filter(([, nodes]) => nodes.length > 1)
    .map(
      ([uid, nodes]) =>
        `the uid "${uid}" is used ${nodes.length} times, by ${nodes.map(showNode).join(' and ')}; each operator needs a uid of its own, because its state is found by it`,
    );
}

function sizeProblems(graph: StreamGraph, options: PlanOptions): string[] {
  return graph.nodes.flatMap((node) => {
    const problems: string[] = [];
    const limit = connectorLimit(node);
    if (limit !== null && node.parallelism !== null && node.parallelism > limit) {
      problems.push(
        `${showNode(node)} was given parallelism ${node.parallelism}, but its connector can use at most ${limit}; lower it, or leave it away`,
      );
    }
    const size = validSize(node, graph, options);
    if (size !== null && size.parallelism > size.maxParallelism) {
      problems.push(
        `${showNode(node)} has parallelism ${size.parallelism} above its max parallelism ${size.maxParallelism}; lower the one or raise the other (raising it makes older checkpoints unusable)`,
      );
    }
    return problems;
  });
}

function connectionProblems(graph: StreamGraph): string[] {
  const problems: string[] = [];
  const topology = topologyOf(graph);
  if (!graph.nodes.some((node) => node.work.kind === 'source')) {
    problems.push('the job has no source; begin with env.from(...)');
  }
  for (const node of graph.nodes) {
    const consumed = (topology.outputs.get(node.id) ?? []).length > 0;
    const fed = (topology.inputs.get(node.id) ?? []).length > 0;
    if (node.work.kind !== 'sink' && !consumed) {
      problems.push(
        `nobody consumes ${showNode(node)}; end the stream with sinkTo(...), print() or collect(), or remove it`,
      );
    }
    if (node.work.kind !== 'source' && !fed) {
      problems.push(`${showNode(node)} has no input; derive it from a stream that begins with env.from(...)`);
    }
  }
  if (topology.order.length < graph.nodes.length) {
    const rest = graph.nodes.filter((node) => !topology.order.includes(node));
    problems.push(
      `records would run in circles through ${rest.map(showNode).join(', ')}; remove the edge that leads back`,
    );
  }
  return problems;
}

function edgeProblems(edge: StreamEdge, graph: StreamGraph, options: PlanOptions): string[] {
  const from = nodeOf(edge.from, graph);
  const to = nodeOf(edge.to, graph);
  if (from === undefined || to === undefined) {
    return [
      `an edge leads from ${edge.from} to ${edge.to}, and at least one of them is not a node of this graph`,
    ];
  }
  const problems: string[] = [];
  const tags = tagsOf(from);
  if (edge.sideTag !== null && tags !== null && !tags.includes(edge.sideTag)) {
    const known = tags.map((tag) => `"${tag}"`).join(', ');
    problems.push(
      `${showNode(to)} reads side output "${edge.sideTag}" of ${showNode(from)}, which has ${known === '' ? 'no side output' : `only ${known}`}; ask the operator that emits it, directly after it was declared`,
    );
  }
  const sender = validSize(from, graph, options);
  const receiver = validSize(to, graph, options);
  if (edge.partitioner.kind !== 'forward' || sender === null || receiver === null) return problems;
  if (sender.parallelism !== receiver.parallelism) {
    problems.push(
      `forward() connects ${showNode(from)} with parallelism ${sender.parallelism} to ${showNode(to)} with parallelism ${receiver.parallelism}; make them equal, or use rebalance() or rescale() instead`,
    );
  }
  return problems;
}

/** Null when the operator does not say. */
function tagsOf({ sideTags, onError }: StreamNode): readonly string[] | null {
  const letters = typeof onError === 'string' ? [] : [onError.tag.name];
  return sideTags === null ? null : [...sideTags, ...letters];
}

function letterProblems(node: StreamNode, graph: StreamGraph): string[] {
  const { onError, sideTags } = node;
  if (typeof onError === 'string') return [];
  const { name } = onError.tag;
  if (sideTags?.includes(name) === true) {
    return [
      `${showNode(node)} sends both late records and dead letters to "${name}"; give the dead letters a tag of their own`,
    ];
  }
  if (graph.edges.some((edge) => edge.from === node.id && edge.sideTag === name)) return [];
  return [
    `nobody reads the dead letters "${name}" of ${showNode(node)}; read them with getSideOutput(tag) directly after it, or use onError('skip')`,
  ];
}

function nodeOf(id: NodeId, graph: StreamGraph): StreamNode | undefined {
  return graph.nodes.find((node) => node.id === id);
}

// Null while one of the numbers is no parallelism at all: that is reported once, where it was set.
function validSize(
  node: StreamNode,
  graph: StreamGraph,
  options: PlanOptions,
): { readonly parallelism: number; readonly maxParallelism: number } | null {
  const size = parallelismOf(node, graph, options);
  return isParallelism(size.parallelism) && isParallelism(size.maxParallelism) ? size : null;
}

function isParallelism(value: unknown): boolean {
  return Number.isInteger(value) && Number(value) >= 1 && Number(value) <= MAX_PARALLELISM_CEILING;
}

function badParallelism(whose: string, got: unknown): string {
  return `the parallelism of ${whose} is ${show(got)}; it must be a whole number from 1 to ${MAX_PARALLELISM_CEILING}`;
}

function badMaxParallelism(whose: string, got: unknown): string {
  return `the max parallelism of ${whose} is ${show(got)}; it must be a whole number from 1 to ${MAX_PARALLELISM_CEILING}`;
}

function show(value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(value) : String(value);
}
