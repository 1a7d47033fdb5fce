//! `livery voucher`

use crate::connect;
use crate::failure::Ending;
use crate::settings::Settings;
use crate::ui::table::Table;
use crate::ui::{listing, out, print_json, say};
use livery_api::dto::NewVouchers;
use livery_units::{Money, counted};
use std::io::Write;

/// Make and list vouchers: codes that top an account up once.
#[derive(Debug, clap::Args)]
pub struct VoucherArgs {
    #[command(subcommand)]
    command: VoucherCommand,
}

#[derive(Debug, clap::Subcommand)]
enum VoucherCommand {
    /// Make vouchers and print their codes, one a line; they are shown only now
    Create {
        /// What each is worth, in dollars: $10 or more
        amount: Money,
        /// How many
        #[arg(long, value_name = "N", default_value_t = 1)]
        count: u32,
        /// What they are for
        #[arg(
            long,
            value_name = "TEXT",
            default_value = "",
            hide_default_value = true
        )]
        label: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// List the vouchers, and who redeemed which
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

/// Runs the command.
pub async fn run(args: VoucherArgs, settings: &Settings) -> anyhow::Result<Ending> {
    let client = connect::client(settings).await?;
    match args.command {
        VoucherCommand::Create {
            amount,
            count,
            label,
            json,
        } => {
            let new = NewVouchers {
                amount,
                count,
                label,
            };
            let made = client.voucher_create(&new).await?.vouchers;
            if json {
                print_json(&made)?;
                return Ok(Ending::Done);
            }
            say(&format!(
                "{} worth {} each: each code is shown only now, and anybody who has it can redeem it",
                counted(made.len(), "voucher", "vouchers"),
                amount.shown()
            ));
            let mut out = out();
            for voucher in &made {
                writeln!(out, "{}", voucher.code)?;
            }
            out.flush()?;
        }
        VoucherCommand::List { json } => {
            let vouchers = client.vouchers().await?.vouchers;
            if json {
                print_json(&vouchers)?;
                return Ok(Ending::Done);
            }
            let now = listing::now();
            let mut table = Table::new(["ID", "AMOUNT", "LABEL", "CREATED", "REDEEMED BY", "WHEN"]);
            for voucher in vouchers {
                let by = voucher.redeemed_by.map(|by| by.to_string());
                let when = voucher.redeemed.map(|at| listing::ago(at, now));
                table.row([
                    voucher.id,
                    voucher.amount.shown(),
                    voucher.label,
                    listing::ago(voucher.created, now),
                    by.unwrap_or_else(|| "-".to_owned()),
                    when.unwrap_or_else(|| "-".to_owned()),
                ]);
            }
            table.print()?;
        }
    }
    Ok(Ending::Done)
}
