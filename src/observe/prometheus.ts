import {
  type Attributes,
  createNoopMeter,
  type Histogram,
  type Meter,
  type MetricOptions,
  type Observable,
  type ObservableCallback,
} from "@opentelemetry/api";

/** Keeps what instruments record, and writes it in Prometheus' text format (version 0.0.4). */
export class PrometheusMetrics {
  readonly #families = new Map<string, Family>();

  /** The type of the text, for an HTTP response. */
  readonly contentType = "text/plain; version=0.0.4; charset=utf-8";

  /** A meter whose instruments are kept here, and record on `meter` too. */
  besides(meter: Meter): Meter {
    const both = <Kept extends Family, Made extends object>(kept: Kept, made: Made): Made => {
      this.#families.set(kept.name, kept);
      return kept.besides(made) as Made;
    };
    return Object.assign(Object.create(createNoopMeter()) as Meter, {
      createCounter: (name: string, options?: MetricOptions) =>
        both(
          new Sums(`${nameOf(name, options)}_total`, "counter", options),
          meter.createCounter(name, options),
        ),
      createUpDownCounter: (name: string, options?: MetricOptions) =>
        both(
          new Sums(nameOf(name, options), "gauge", options),
          meter.createUpDownCounter(name, options),
        ),
      createHistogram: (name: string, options?: MetricOptions) =>
        both(new Buckets(nameOf(name, options), options), meter.createHistogram(name, options)),
      createObservableGauge: (name: string, options?: MetricOptions) =>
        both(
          new Observed(nameOf(name, options), "gauge", options),
          meter.createObservableGauge(name, options),
        ),
    });
  }

  /** How many values a histogram has recorded, over all its labels, and their sum. */
  totals(name: string): { readonly count: number; readonly sum: number } {
    const family = this.#families.get(name);
    return family instanceof Buckets ? family.totals() : { count: 0, sum: 0 };
  }

  /** Everything that was recorded until now. */
  text(): string {
    return [...this.#families.values()].map((family) => family.text()).join("");
  }
}

/** The series of one instrument. */
abstract class Family {
  readonly name: string;
  readonly #type: string;
  readonly #help: string;

  constructor(name: string, type: string, options: MetricOptions = {}) {
    this.name = name;
    this.#type = type;
    this.#help = (options.description ?? "").replace(/[\\\n]/g, " ");
  }

  /** The instrument, which records here and on another. */
  abstract besides(other: object): object;
  protected abstract lines(): string[];

  text(): string {
    const lines = this.lines();
    if (lines.length === 0) return "";
    const { name } = this;
    return [`# HELP ${name} ${this.#help}`, `# TYPE ${name} ${this.#type}`, ...lines, ""].join(
      "\n",
    );
  }
}

class Sums extends Family {
  readonly #values = new Map<string, number>();

  besides(other: { add(value: number, labels?: Attributes): void }): object {
    return {
      add: (value: number, labels?: Attributes) => {
        const key = labelsOf(labels);
        this.#values.set(key, (this.#values.get(key) ?? 0) + value);
        other.add(value, labels);
      },
    };
  }

  protected lines(): string[] {
    return [...this.#values].map(([labels, value]) => `${this.name}${braced(labels)} ${value}`);
  }
}

interface Distribution {
  readonly counts: number[];
  count: number;
  sum: number;
}

class Buckets extends Family {
  readonly #bounds: readonly number[];
  readonly #values = new Map<string, Distribution>();

  constructor(name: string, options: MetricOptions = {}) {
    super(name, "histogram", options);
    this.#bounds = options.advice?.explicitBucketBoundaries ?? [];
  }

  besides(other: Histogram): object {
    return {
      record: (value: number, labels?: Attributes) => {
        this.#record(value, labelsOf(labels));
        other.record(value, labels);
      },
    };
  }

  totals(): { readonly count: number; readonly sum: number } {
    const all = [...this.#values.values()];
    return {
      count: all.reduce((count, one) => count + one.count, 0),
      sum: all.reduce((sum, one) => sum + one.sum, 0),
    };
  }

  #record(value: number, key: string): void {
    let kept = this.#values.get(key);
    if (kept === undefined) {
      kept = { counts: this.#bounds.map(() => 0), count: 0, sum: 0 };
      this.#values.set(key, kept);
    }
    const at = this.#bounds.findIndex((bound) => value <= bound);
    if (at >= 0) kept.counts[at]! += 1;
    kept.count += 1;
    kept.sum += value;
  }

  protected lines(): string[] {
    return [...this.#values].flatMap(([labels, { counts, count, sum }]) => {
      let below = 0;
      const buckets = this.#bounds.map((bound, at) => {
        below += counts[at]!;
        return `${this.name}_bucket${braced(labels, `le="${bound}"`)} ${below}`;
      });
      return [
        ...buckets,
        `${this.name}_bucket${braced(labels, 'le="+Inf"')} ${count}`,
        `${this.name}_sum${braced(labels)} ${sum}`,
        `${this.name}_count${braced(labels)} ${count}`,
      ];
    });
  }
}

class Observed extends Family {
  readonly #callbacks = new Set<ObservableCallback>();

  besides(other: Observable): object {
    return {
      addCallback: (callback: ObservableCallback) => {
        this.#callbacks.add(callback);
        other.addCallback(callback);
      },
      removeCallback: (callback: ObservableCallback) => {
        this.#callbacks.delete(callback);
        other.removeCallback(callback);
      },
    };
  }

  protected lines(): string[] {
    const seen = new Map<string, number>();
    const observe = (value: number, labels?: Attributes) => void seen.set(labelsOf(labels), value);
    for (const callback of this.#callbacks) callback({ observe });
    return [...seen].map(([labels, value]) => `${this.name}${braced(labels)} ${value}`);
  }
}

/** Dots become underscores, and the unit is part of the name. */
function nameOf(name: string, { unit }: MetricOptions = {}): string {
  const plain = name.replace(/[^A-Za-z0-9_:]/g, "_");
  return unit === "s" && !plain.includes("seconds") ? `${plain}_seconds` : plain;
}

/** Equal labels are mostly the same object: what was written of it is kept. */
const written = new WeakMap<Attributes, string>();

function labelsOf(labels: Attributes | undefined): string {
  if (labels === undefined) return "";
  let text = written.get(labels);
  if (text === undefined) {
    text = Object.entries(labels)
      .map(([name, value]) => `${name.replace(/[^A-Za-z0-9_]/g, "_")}="${escaped(String(value))}"`)
      .join(",");
    written.set(labels, text);
  }
  return text;
}

function escaped(value: string): string {
  return value.replace(/\\/g, "\\\\").replace(/"/g, '\\"').replace(/\n/g, "\\n");
}

function braced(...labels: readonly string[]): string {
  const given = labels.filter((text) => text !== "");
  return given.length === 0 ? "" : `{${given.join(",")}}`;
}
