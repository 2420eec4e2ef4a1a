// Every function that the public interface takes from a user is known here: it is refused when it answers later, or may do so.
//
// A new one fails this test until it stands in one of the lists, with its place in `test/operators/answers-at-once.test.ts` if it is
// called for each record: there a promise that nobody looks at would be a wrong result.

import ts from 'typescript';
import { expect, test } from 'vitest';

/** Called by the engine, which uses the answer at once: each is refused when it answers later. */
const AT_ONCE = `
  AggregateFunction.add AggregateFunction.createAccumulator AggregateFunction.getResult AggregateFunction.merge
  DataStream.assignTimestamps(timestamp) DataStream.filter(keep) DataStream.flatMap(expand) DataStream.keyBy(key) DataStream.map(apply)
  DataStream.partitionCustom(key) DataStream.partitionCustom(partition) DataStream.process(definition)
  FileFormat.encode GeneratorOptions.make GeneratorOptions.timestamp
  KeyedProcessFunction.close KeyedProcessFunction.onElement KeyedProcessFunction.onTimer KeyedProcessFunction.open
  KeyedStream.process(definition) KeyedStream.reduce(reduce) ProcessFunction.close ProcessFunction.onElement ProcessFunction.open
  WatermarkGenerator.onPeriodic WatermarkGenerator.onRecord WatermarkStrategy.createGenerator WatermarkStrategy.timestamp
  WindowedStream.aggregate(windowFunction) WindowedStream.process(process) WindowedStream.reduce(reduce)
  WindowedStream.reduce(windowFunction)
  avg(select) customWatermarks(createGenerator) max(select) min(select) punctuated(watermarkOf) session(gap) sum(select)
  withTimestamps(timestamp) JobDefinition.build defineJob(build)
`;

/** May answer by a promise, which is awaited. */
const LATER = `
  Source.discover Source.open Source.resolve SourceReader.close SourceReader.onCheckpointComplete SourceReader.poll
  PlainSink.open Sink.open SinkWriter.close SinkWriter.flush SinkWriter.write
  TransactionalSink.open TransactionalWriter.close TransactionalWriter.commit TransactionalWriter.prepare TransactionalWriter.recover
  TransactionalWriter.write CollectSink.open
  forEachSink(handle) asyncIterableSource(input) readableStreamSource(input)
`;

/** Nothing is made of the answer, or only a text. */
const ASIDE = `
  Source.describe PlainSink.jobEnded Sink.jobEnded TransactionalSink.jobEnded CollectSink.jobEnded PrintSinkOptions.write
  TypeDefinition.decode TypeDefinition.encode Runtime.dispatch(callback) Points.atRest(problems)
`;

/** The engine's own: a user calls these. */
const OURS =
  /^(?:DataStream|KeyedStream|WindowedStream|StreamEnvironment|JobHandle|CollectHandle|CollectSink|Logger|Runtime|RandomStream|Points|\w+State|\w+Context|\w+Error)\.[^(]+$/;

test('every function of a user is refused when it answers later, or may', () => {
  const config = ts.getParsedCommandLineOfConfigFile(
    'tsconfig.json',
    {},
    {
      ...ts.sys,
      onUnRecoverableConfigFileDiagnostic: (diagnostic) => {
        throw new Error(String(diagnostic.messageText));
      },
    },
  );
  const program = ts.createProgram(['src/index.ts'], config?.options ?? {});
  const words = (text: string): readonly string[] => text.split(/\s+/).filter((word) => word !== '');
  const known = [...words(AT_ONCE), ...words(LATER), ...words(ASIDE)];
  const found = functionsOf(program, 'src/index.ts');
  expect(found.filter((each) => !OURS.test(each)).sort()).toEqual(
    [...known].filter((each) => !OURS.test(each)).sort(),
  );
});

/** `Owner.member`, `owner(parameter)` and `Owner.member(parameter)`, where what is named is a function. */
function functionsOf(program: ts.Program, file: string): readonly string[] {
  const checker = program.getTypeChecker();
  const source = program.getSourceFile(file);
  const module = source === undefined ? undefined : checker.getSymbolAtLocation(source);
  if (module === undefined) throw new Error(`${file} exports nothing`);
  const found = new Set<string>();
  for (const exported of checker.getExportsOfModule(module)) {
    const symbol = exported.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(exported) : exported;
    const declaration = symbol.declarations?.[0];
    if (declaration === undefined || !isOwn(declaration)) continue;
    const types = ts.SymbolFlags.Class | ts.SymbolFlags.Interface | ts.SymbolFlags.TypeAlias;
    const isType = (symbol.flags & types) !== 0;
    const type = isType
      ? checker.getDeclaredTypeOfSymbol(symbol)
      : checker.getTypeOfSymbolAtLocation(symbol, declaration);
    addParameters(symbol.name, type, checker, found);
    if (isType)
      for (const property of checker.getPropertiesOfType(type))
        addMember(symbol.name, property, checker, found);
  }
  return [...found];
}

function addMember(owner: string, member: ts.Symbol, checker: ts.TypeChecker, found: Set<string>): void {
  const declaration = member.valueDeclaration ?? member.declarations?.[0];
  if (
    declaration === undefined ||
    !isOwn(declaration) ||
    /^(?:#|__)/.test(member.name) ||
    member.name.includes('#')
  )
    return;
  const type = checker.getTypeOfSymbolAtLocation(member, declaration);
  if (!isFunction(type)) return;
  found.add(`${owner}.${member.name}`);
  addParameters(`${owner}.${member.name}`, type, checker, found);
}

function addParameters(owner: string, type: ts.Type, checker: ts.TypeChecker, found: Set<string>): void {
  for (const parameter of type.getCallSignatures().flatMap((signature) => signature.parameters)) {
    const { valueDeclaration } = parameter;
    if (valueDeclaration === undefined) continue;
    if (isFunction(checker.getTypeOfSymbolAtLocation(parameter, valueDeclaration)))
      found.add(`${owner}(${parameter.name})`);
  }
}

function isFunction(type: ts.Type): boolean {
  if (type.isUnionOrIntersection()) return type.types.some(isFunction);
  return type.getCallSignatures().length > 0;
}

function isOwn(declaration: ts.Declaration): boolean {
  return (
    !declaration.getSourceFile().fileName.includes('node_modules') &&
    !declaration.getSourceFile().isDeclarationFile
  );
}
