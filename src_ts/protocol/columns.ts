/** Columns of reports: from binary buffers (live) or from JSON lists (the static snapshot). */

import { Fields, ProtocolError } from './json';
import type { ReportColumns } from './messages';

export type WireBuffer = ArrayBuffer | ArrayBufferView;

const FIXED = ['trial', 'run', 'time', 'resource'] as const;

/** The bytes of a buffer as a typed array; copies only where the offset is not aligned. */
export function toInt32(buffer: WireBuffer): Int32Array {
  const { bytes, offset, length } = bytesOf(buffer);
  if (length % 4 !== 0) throw new ProtocolError(`an Int32 column of ${length} bytes`);
  return offset % 4 === 0
    ? new Int32Array(bytes, offset, length / 4)
    : new Int32Array(bytes.slice(offset, offset + length));
}

export function toFloat64(buffer: WireBuffer): Float64Array {
  const { bytes, offset, length } = bytesOf(buffer);
  if (length % 8 !== 0) throw new ProtocolError(`a Float64 column of ${length} bytes`);
  return offset % 8 === 0
    ? new Float64Array(bytes, offset, length / 8)
    : new Float64Array(bytes.slice(offset, offset + length));
}

function bytesOf(buffer: WireBuffer): { bytes: ArrayBuffer; offset: number; length: number } {
  if (ArrayBuffer.isView(buffer)) {
    const { byteOffset, byteLength } = buffer;
    if (buffer.buffer instanceof ArrayBuffer) {
      return { bytes: buffer.buffer, offset: byteOffset, length: byteLength };
    }
    const copy = new Uint8Array(byteLength);
    copy.set(new Uint8Array(buffer.buffer, byteOffset, byteLength));
    return { bytes: copy.buffer, offset: 0, length: byteLength };
  }
  return { bytes: buffer, offset: 0, length: buffer.byteLength };
}

export function emptyColumns(metricNames: readonly string[]): ReportColumns {
  return {
    n: 0,
    trial: new Int32Array(0),
    run: new Int32Array(0),
    time: new Float64Array(0),
    resource: new Float64Array(0),
    metricNames,
    metrics: metricNames.map(() => new Float64Array(0)),
  };
}

/** Reads `reports` of a snapshot or delta. The columns are in the buffers, or each has `values`. */
export function readColumns(
  value: unknown,
  buffers: readonly WireBuffer[],
  where: string,
): ReportColumns {
  const fields = Fields.of(value, where);
  const n = fields.number('n');
  const specs = fields.list('columns', (entry, at) => {
    const column = Fields.of(entry, at);
    return {
      name: column.string('name'),
      dtype: column.string('dtype').toLowerCase(),
      values: column.raw('values'),
    };
  });
  if (specs.length === 0 && n === 0) return emptyColumns([]);
  FIXED.forEach((name, i) => {
    if (specs[i]?.name !== name) throw new ProtocolError(`${where}: column ${i} must be ${name}`);
  });
  const arrays = specs.map((spec, i) => {
    const array = Array.isArray(spec.values)
      ? fromList(spec.values, spec.dtype)
      : fromBuffer(buffers[i], spec.dtype, `${where}.${spec.name}`);
    if (array.length !== n) {
      throw new ProtocolError(`${where}.${spec.name} has ${array.length} entries instead of ${n}`);
    }
    return array;
  });
  const [trial, run, time, resource, ...metrics] = arrays;
  return {
    n,
    trial: asInt32(trial, `${where}.trial`),
    run: asInt32(run, `${where}.run`),
    time: asFloat64(time),
    resource: asFloat64(resource),
    metricNames: specs.slice(FIXED.length).map((spec) => spec.name),
    metrics: metrics.map(asFloat64),
  };
}

function fromBuffer(
  buffer: WireBuffer | undefined,
  dtype: string,
  where: string,
): Int32Array | Float64Array {
  if (buffer === undefined) throw new ProtocolError(`${where}: its buffer is missing`);
  if (dtype === 'int32') return toInt32(buffer);
  if (dtype === 'float64') return toFloat64(buffer);
  throw new ProtocolError(`${where}: dtype ${dtype} is unknown`);
}

function fromList(values: readonly unknown[], dtype: string): Int32Array | Float64Array {
  const numbers = values.map((v) => (typeof v === 'number' ? v : Number.NaN));
  return dtype === 'int32' ? Int32Array.from(numbers) : Float64Array.from(numbers);
}

function asInt32(array: Int32Array | Float64Array | undefined, where: string): Int32Array {
  if (array instanceof Int32Array) return array;
  throw new ProtocolError(`${where} must be Int32`);
}

function asFloat64(array: Int32Array | Float64Array | undefined): Float64Array {
  return array instanceof Float64Array ? array : Float64Array.from(array ?? []);
}
