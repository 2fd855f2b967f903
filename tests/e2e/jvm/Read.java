import java.util.Locale;
import org.apache.hadoop.conf.Configuration;
import org.apache.iceberg.BaseTable;
import org.apache.iceberg.StaticTableOperations;
import org.apache.iceberg.data.IcebergGenerics;
import org.apache.iceberg.data.Record;
import org.apache.iceberg.hadoop.HadoopFileIO;
import org.apache.iceberg.io.CloseableIterable;

/** Prints a table as one line per row, fields separated by a tab: for comparison, not for people. */
public final class Read {
  private Read() {}

  public static void main(String[] arguments) throws Exception {
    var operations =
        new StaticTableOperations(arguments[0], new HadoopFileIO(new Configuration()));
    var table = new BaseTable(operations, "table");
    try (CloseableIterable<Record> rows = IcebergGenerics.read(table).build()) {
      for (Record row : rows) {
        var line = new StringBuilder();
        for (int field = 0; field < row.size(); field++) {
          line.append(field == 0 ? "" : "\t").append(String.format(Locale.ROOT, "%s", row.get(field)));
        }
        System.out.println(line);
      }
    }
  }
}
