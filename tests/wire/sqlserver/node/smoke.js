// Talks to a SQL Server through node-mssql and prints what it saw as one line of JSON.
// Arguments: host, port, database; the password of sa is in MSSQL_SA_PASSWORD.
const sql = require("mssql");

async function main() {
  const [host, port, database] = process.argv.slice(2);
  const seen = {};
  const pool = await new sql.ConnectionPool({
    server: host,
    port: Number(port),
    database,
    user: "sa",
    password: process.env.MSSQL_SA_PASSWORD,
    options: { encrypt: true, trustServerCertificate: true },
    requestTimeout: 5000,
    pool: { max: 2 },
  }).connect();

  seen.one = (await pool.request().query("SELECT 1 AS one")).recordset[0].one;

  await pool.request().batch("CREATE TABLE dbo.node_smoke (id int NOT NULL, name nvarchar(50) NULL, notes nvarchar(max) NULL)");
  const inserted = await pool
    .request()
    .input("id", sql.Int, 1)
    .input("name", sql.NVarChar(50), "Ж😀")
    .query("INSERT INTO dbo.node_smoke (id, name) VALUES (@id, @name)");
  seen.inserted = inserted.rowsAffected;

  const prepared = new sql.PreparedStatement(pool);
  prepared.input("id", sql.Int);
  await prepared.prepare("SELECT name FROM dbo.node_smoke WHERE id = @id");
  seen.prepared = (await prepared.execute({ id: 1 })).recordset[0].name;
  await prepared.unprepare();

  const undone = new sql.Transaction(pool);
  await undone.begin(sql.ISOLATION_LEVEL.READ_COMMITTED);
  await new sql.Request(undone).query("DELETE FROM dbo.node_smoke");
  await undone.rollback();
  const kept = new sql.Transaction(pool);
  await kept.begin();
  await new sql.Request(kept).query("INSERT INTO dbo.node_smoke (id) VALUES (2)");
  await kept.commit();
  seen.rows = (await pool.request().query("SELECT COUNT(*) AS n FROM dbo.node_smoke")).recordset[0].n;

  try {
    await pool.request().query("SELECT 1/0");
  } catch (error) {
    seen.error = error.number;
  }

  const request = pool.request();
  const began = Date.now();
  setTimeout(() => request.cancel(), 200);
  try {
    await request.query("WAITFOR DELAY '00:00:20'");
  } catch (error) {
    seen.cancelled = error.code;
  }
  seen.cancelledInTime = Date.now() - began < 3000;

  const table = new sql.Table("dbo.node_smoke");
  table.columns.add("id", sql.Int, { nullable: false });
  table.columns.add("name", sql.NVarChar(50), { nullable: true });
  table.columns.add("notes", sql.NVarChar(sql.MAX), { nullable: true });
  for (let i = 0; i < 2000; i++) table.rows.add(1000 + i, i % 10 ? `name ${i}` : null, "long ".repeat(i % 7));
  seen.bulk = (await pool.request().bulk(table)).rowsAffected;
  seen.bulkRows = (
    await pool.request().query("SELECT COUNT(*) AS n, COUNT(name) AS names, SUM(LEN(notes)) AS length FROM dbo.node_smoke WHERE id >= 1000")
  ).recordset[0];

  await pool.request().batch("DROP TABLE dbo.node_smoke");
  await pool.close();
  console.log(JSON.stringify(seen));
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
